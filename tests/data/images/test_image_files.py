"""What is in the files of a set of images: each pixel in its place, and no damage that goes unnoticed."""

import struct

import pytest
from helpers.image_set import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, load, made_set, write

from common.data.images import idx
from common.data.images.idx import FILES


def test_images_keep_their_labels_and_pixels_their_places(house):
    files = made_set()
    pixels = bytes(range(60)) * 30
    files[TRAIN_IMAGES] = files[TRAIN_IMAGES][:16] + pixels
    write(house / "data", files)
    train = load(house, val_fraction=0).train
    whole = {tuple(pixels[30 * k:30 * k + 30]): k % 10 for k in range(2)}  # images alternate: 0..29, 30..59
    for image, label in zip(train.images, train.labels, strict=True):
        assert image.shape == (1, 6, 5)
        assert int(label) % 2 == whole[tuple(image.flatten().tolist())]


@pytest.mark.parametrize("folder", ["data/mnist", "data", "shared/mnist"])
@pytest.mark.parametrize("file", FILES)
def test_a_missing_file_is_named(house, folder, file):
    write(house / folder, {other: content for other, content in made_set().items() if other != file})
    with pytest.raises(ValueError, match=rf"{house / folder} holds only some of.*add {file}.gz,"):
        load(house)


def test_a_test_set_that_is_the_training_set_is_refused(house):
    files = made_set()
    write(house / "data", files | {TEST_IMAGES: files[TRAIN_IMAGES], TEST_LABELS: files[TRAIN_LABELS]})
    with pytest.raises(ValueError, match=f"{TRAIN_IMAGES}.* and .*{TEST_IMAGES}.* hold the same samples"):
        load(house)


HTML = b"<!DOCTYPE html><html>404</html>"
FAULTS = [  # (file, its content, what the message says)
    (TRAIN_IMAGES, made_set()[TRAIN_IMAGES][:-1], r"values of shape \[60, 6, 5\], 1816 bytes in all, found 1815"),
    (TRAIN_IMAGES, made_set()[TRAIN_IMAGES] + b"0", "1816 bytes in all, found 1817"),
    (TRAIN_IMAGES, made_set()[TRAIN_IMAGES][:9], "expected values .*found 9 bytes"),
    (TRAIN_IMAGES, made_set()[TRAIN_LABELS], "expected an IDX file of images, found an IDX file of labels"),
    (TEST_LABELS, made_set()[TEST_IMAGES], "expected an IDX file of labels, found an IDX file of images"),
    (TEST_LABELS, made_set()[TEST_LABELS][:5], "expected values .*found 5 bytes"),
    (TEST_LABELS, HTML, "expected an IDX file of labels, found one that begins with b'<!DOCTYPE html>"),
    (TEST_IMAGES, b"", "expected an IDX file of images, found one that begins with b''"),
    (TEST_IMAGES, b"\0\0\x0d\x03" + bytes(20), "expected an IDX file of images"),
    (TEST_IMAGES, made_set(num_test=0)[TEST_IMAGES], r"values of shape \[0, 6, 5\]"),
    (TRAIN_LABELS, made_set(num_train=59)[TRAIN_LABELS], "expected 60 labels, one for each image, found 59"),
    (TEST_LABELS, made_set()[TEST_LABELS][:-1] + b"\x0c", "expected labels from 0 to 9, found 12"),
    (TEST_IMAGES, made_set(size=(5, 6))[TEST_IMAGES], r"images of \[6, 5\] pixels, as for training, found \[5, 6\]"),
]


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("file, content, message", FAULTS)
def test_a_file_that_is_not_what_it_should_be_is_named(house, zipped, file, content, message):
    write(house / "data", {**made_set(), file: content}, zipped)
    with pytest.raises(ValueError, match=f"{house / 'data' / file}{'.gz' * zipped}: .*{message}.*; replace it"):
        load(house)


def flipped(content):
    return content[:-6] + bytes([content[-6] ^ 1]) + content[-5:]  # in the checksum at the end


@pytest.mark.parametrize("damage", [lambda z: z[:-1], lambda z: z[:40], lambda z: z[:2], flipped,
                                    lambda z: z[:12] + b"\xff" * 9 + z[21:]])
def test_a_damaged_gzip_file_is_named(house, damage):
    path = write(house / "data", made_set()) / f"{TRAIN_IMAGES}.gz"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=f"{path}: expected .*images, gzipped, found a damaged gzip file"):
        load(house)


def test_a_page_saved_under_the_files_name_is_shown(house):
    path = write(house / "data", made_set()) / f"{TEST_LABELS}.gz"
    path.write_bytes(HTML)
    with pytest.raises(ValueError, match=f"{path}.*begins with b'<!DOCTYPE html>"):
        load(house)


def test_idx_files_are_told_apart_by_their_head():
    assert idx.IMAGES == struct.pack(">I", 2051) and idx.LABELS == struct.pack(">I", 2049)
