"""Recordings as tonic keeps those of DVS128 Gesture, a few events each."""

import io
import tarfile

import numpy as np

EVENTS = np.array([[1, 2, 0, 0], [3, 4, 1, 5], [127, 127, 1, 5]])


def npy(array):
    content = io.BytesIO()
    np.save(content, array)
    return content.getvalue()


def write(folder, files):
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def archive(path, members):
    """A .tar.gz; members: {name: content, or [the type of something that is no file]}."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
            else:
                member.type, member.linkname = content[0], "/etc/passwd"
            file.addfile(member, io.BytesIO(content) if isinstance(content, bytes) else None)
    return path
