"""A checkpoint: a file of tensors and numbers, with its sha256 beside it."""

import hashlib
import io
from pathlib import Path

import torch

from common.atomic import write
from common.errors import UserError


def save(path, state):
    """Save a dict of tensors, numbers, text, lists and dicts at once; a kill in between leaves the old one whole."""
    path = Path(path)
    content = io.BytesIO()
    torch.save(state, content)
    digest = hashlib.sha256(content.getbuffer()).hexdigest()
    # Until the file itself is replaced the digest of the old one stands too.
    old = hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None
    write(digest_path(path), "\n".join([digest, *(known for known in digests(path) if known == old)]).encode())
    write(path, content.getbuffer())


def load(path):
    """What `save` saved, on the CPU; UserError if the file is missing, damaged or of another kind."""
    content = io.BytesIO(content_of(path))
    try:
        return torch.load(content, map_location="cpu", weights_only=True)
    except Exception as error:  # not in its words: it advises to run whatever code the file holds
        raise UserError(f"{path} is no checkpoint of a run") from error


def content_of(path):
    """The bytes of a checkpoint; UserError if the file is missing or its sha256 is another."""
    path = Path(path)
    remedy = f"; to train this trial again, delete {path.parent} and resume the run"
    for file in (path, digest_path(path)):
        if not file.exists():
            raise UserError(f"no checkpoint {file}" + remedy)
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() not in digests(path):
        raise UserError(f"{path} is damaged: its sha256 is not the one in {digest_path(path).name}" + remedy)
    return content


def digest_path(path):
    return path.with_name(path.name + ".sha256")


def digests(path):
    """What stands beside the checkpoint: its sha256 and, while it is being replaced, that of the old one."""
    return digest_path(path).read_text(errors="replace").split() if digest_path(path).exists() else []
