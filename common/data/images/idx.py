"""The four IDX files of MNIST and of the sets that took over its layout."""

import hashlib
import math
import struct

import torch

from common.data import bad_file, download

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
IMAGES, LABELS = b"\0\0\x08\x03", b"\0\0\x08\x01"  # how such a file begins: uint8, in 3 dimensions or in 1
KINDS = {IMAGES: "an IDX file of images", LABELS: "an IDX file of labels"}


def read_set(paths):
    """Return (images and labels to train and to test on, {file: sha256 of its decompressed content}).

    paths: {file: where it is}.  Images are uint8 [N, 1, H, W], labels int64 [N] in 0..9.  ValueError, naming the file,
    for one that is damaged or of another kind, and for files that do not belong together.
    """
    read = {file: read_idx(paths[file], IMAGES if "images" in file else LABELS) for file in FILES}
    tensors = [read[file][0] for file in FILES]
    for images, labels, file in ((tensors[0], tensors[1], FILES[1]), (tensors[2], tensors[3], FILES[3])):
        if len(images) != len(labels):
            raise _bad(paths[file], f"{len(images)} labels, one for each image", len(labels))
        if labels.max() > 9:
            raise _bad(paths[file], "labels from 0 to 9", int(labels.max()))
    sizes = [list(images.shape[1:]) for images in tensors[::2]]
    if sizes[0] != sizes[1]:
        raise _bad(paths[FILES[2]], f"images of {sizes[0]} pixels, as for training", sizes[1])
    images, labels, test_images, test_labels = tensors
    return ((images.unsqueeze(1), labels.long(), test_images.unsqueeze(1), test_labels.long()),
            {file: read[file][1] for file in FILES})


def read_idx(path, kind):
    """Return (uint8 tensor, sha256 of the content) of one file, gzipped or not.  kind: IMAGES or LABELS."""
    try:
        with download.open_content(path) as file:
            content = file.read()
    except download.BAD_GZIP as error:
        raise _bad(path, f"{KINDS[kind]}, gzipped", f"a damaged gzip file ({error})") from error
    if content[:4] != kind:
        raise _bad(path, KINDS[kind], KINDS.get(content[:4], f"one that begins with {content[:20]!r}"))
    header = 4 + 4 * kind[3]
    shape = struct.unpack(f">{kind[3]}I", content[4:header].ljust(header - 4, b"\0"))
    size = header + math.prod(shape)
    if size == header or len(content) != size:
        raise _bad(path, f"values of shape {list(shape)}, {size} bytes in all", f"{len(content)} bytes")
    values = torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=header)
    return values.reshape(shape), hashlib.sha256(content).hexdigest()


def _bad(path, expected, found):
    return bad_file(f"{path}:", f"expected {expected}, found {found}")
