"""The archives that tonic's DVSGesture downloads: unpacked once, and held against what lies unpacked beside them."""

import dataclasses
import hashlib
import re
import shutil
import tarfile

from common import atomic
from common.data import bad_file, download
from common.data.gesture import tonic_folder

BAD_ARCHIVE = (*download.BAD_GZIP, tarfile.TarError)
NAME = re.compile(r"(\./)?(?P<top>[^/]+)/(?P<name>" + tonic_folder.NAME.pattern + ")")


def located(folder, name, published, cache, memory):
    """Return the Recordings of `name` in `folder`.

    A folder `name` counts before an archive `name`.tar.gz, which is unpacked, once, into `cache`.
    published: hash of the published archive.  If that lies in `folder`, or once did, its recordings tell whether those
    found are the published ones.
    ValueError for what is wrong with either.
    """
    place, archive = folder / name, folder / f"{name}.tar.gz"
    if not place.is_dir():
        place = unpacked(archive, name, cache / "unpacked", memory)
    recordings = tonic_folder.read(place, memory)
    key = f"content of {published.removeprefix('md5:')}"
    if memory.matches(archive, published):
        memory.known[key] = memory.of(archive, content)
    return dataclasses.replace(recordings, published=memory.known.get(key) == recordings.digest)


def content(path):
    """tonic_folder.digest_of the recordings in an archive."""
    return tonic_folder.digest_of({name: hashlib.file_digest(file, "sha256").hexdigest()
                                   for _, name, file in _recordings(path)})


def unpacked(path, top, cache, memory):
    """The folder of `cache` that holds the recordings of an archive, which lie in its folder `top`."""
    folder = cache / memory.of(path, download.md5)
    if not (folder / top).is_dir():
        with atomic.folder(folder) as part:
            for found, name, file in _recordings(path):
                if found != top:
                    raise bad_file(path, f"holds recordings in {found}/, not in {top}/")
                target = part / top / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with open(target, "xb") as copy:
                    shutil.copyfileobj(file, copy, 1 << 20)
            if not (part / top).is_dir():
                raise bad_file(path, f"holds no recordings {top}/userNN_SESSION/LABEL.npy")
    return folder / top


def _recordings(path):
    """(top folder, name below it, open file) of each recording in an archive.

    What has another name is left in it, and never written; a name that leads out of it, a link or a device, in which
    somebody may mean harm, makes the whole a ValueError.
    """
    try:
        with tarfile.open(path, "r:gz") as archive:
            for member in archive:
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    raise bad_file(path, f"is unsafe: it holds {member.name!r}, which leads out of its folder")
                if not (member.isfile() or member.isdir()):
                    raise bad_file(path, f"is unsafe: it holds {member.name!r}, which is no file or folder")
                if member.isfile() and (match := NAME.fullmatch(member.name)):
                    yield match["top"], match["name"], archive.extractfile(member)
            while archive.fileobj.read(1 << 20):  # read to the end, where gzip's checksum is
                pass
    except BAD_ARCHIVE as error:
        raise bad_file(path, f"is no .tar.gz or a damaged one ({error})") from error
