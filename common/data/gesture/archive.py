"""The archives that tonic's DVSGesture downloads: unpacked once, and held against what lies unpacked beside them."""

import contextlib
import dataclasses
import hashlib
import re
import shutil
import sys
import tarfile

from common import atomic
from common.data import bad_file, download
from common.data.gesture import tonic_folder

BAD_ARCHIVE = (*download.BAD_GZIP, tarfile.TarError)
NAME = re.compile(r"(\./)?(?P<top>[^/]+)/(?P<name>" + tonic_folder.NAME.pattern + ")")


def located(path, name, published, cache, memory):
    """Return the Recordings in `path`, the folder `name` or an archive of it, which is unpacked, once, into `cache`.

    published: hash of the published archive.  If `name`.tar.gz beside `path` is that, or once was, its recordings tell
    whether those found are the published ones.
    ValueError for what is wrong with either.
    """
    archive = path.with_name(f"{name}.tar.gz")
    recordings = (tonic_folder.read(path, memory) if path.is_dir() else
                  unpacked(path, name, cache / "unpacked", memory))
    key = f"content of {published.removeprefix('md5:')}"
    if memory.matches(archive, published):
        memory.known[key] = memory.of(archive, "content", content)
    return dataclasses.replace(recordings, published=memory.known.get(key) == recordings.digest)


def content(path):
    """tonic_folder.digest_of the recordings in an archive."""
    return tonic_folder.digest_of({name: hashlib.sha256(recording).hexdigest()
                                   for _, name, recording in _recordings(path)})


def unpacked(path, top, cache, memory):
    """The Recordings of an archive, which lie in its folder `top`, from a folder of `cache`; unpacked if they are not
    all there, or somebody has changed them.
    """
    folder = cache / memory.of(path, "md5")
    with contextlib.suppress(ValueError):
        recordings = tonic_folder.read(folder / top, memory)
        if recordings.digest == memory.of(path, "content", content):
            return recordings
    shutil.rmtree(folder, ignore_errors=True)
    print(f"{path}: unpacking {(size := path.stat().st_size) / 1e6:.0f} MB into {folder}", file=sys.stderr)
    with atomic.folder(folder, size) as part:
        for found, name, recording in _recordings(path):
            if found != top:
                raise bad_file(path, f"holds recordings in {found}/, not in {top}/")
            target = part / top / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(recording)
        if not (part / top).is_dir():
            raise bad_file(path, f"holds no recordings {top}/userNN_SESSION/LABEL.npy")
    recordings = tonic_folder.read(folder / top, memory)
    memory.of(path, "content", lambda _: recordings.digest)
    return recordings


def _recordings(path):
    """(top folder, name below it, content) of each recording in an archive, compressed or not.

    What has another name is left in it, and never written; a name that leads out of it, a link or a device, in which
    somebody may mean harm, makes the whole a ValueError.
    """
    seen = set()
    try:
        with download.open_content(path) as content, tarfile.open(fileobj=content, mode="r:") as archive:
            for member in archive:
                if member.name.startswith("/") or ".." in member.name.split("/"):
                    raise bad_file(path, f"is unsafe: it holds {member.name!r}, which leads out of its folder")
                if not (member.isfile() or member.isdir()):
                    raise bad_file(path, f"is unsafe: it holds {member.name!r}, which is no file or folder")
                if member.isfile() and (match := NAME.fullmatch(member.name)):
                    if (key := match.group("top", "name")) in seen:
                        raise bad_file(path, f"holds {member.name!r} twice")
                    seen.add(key)
                    yield *key, archive.extractfile(member).read()
            if content.tell() == archive.offset:  # no block of zeros is at its end
                raise tarfile.ReadError("unexpected end of data")
            while content.read(1 << 20):  # read to the end, where gzip's checksum is
                pass
    except BAD_ARCHIVE as error:
        raise bad_file(path, f"is no archive or a damaged one ({error})") from error
