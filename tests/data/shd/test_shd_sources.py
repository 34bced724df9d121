"""Where SHD is taken from: folders, mirrors, and what stands in for it."""

import hashlib
import os
import shutil

import pytest
from helpers.shd_set import OTHER, PACKS, PUBLISHED, load, write
from helpers.sources import check_that_a_stand_in_is_told, check_that_the_published_set_is_insisted_on

from common.data import download
from common.data.shd import TEST, TRAIN

PLACES = ["data/SHD", "data", "shared/SHD", "cache/SHD"]  # in the order they are asked


@pytest.mark.parametrize("end", PACKS)
@pytest.mark.parametrize("source", ["auto", "published"])
def test_the_published_set_is_known_by_its_content(house, capsys, end, source):
    write(house / "data" / "SHD", PUBLISHED, end)
    data = load(house, source=source)
    assert (data.name, data.stand_in, data.in_shape, data.num_classes) == ("SHD", False, (700,), 4)
    assert (len(data.train), len(data.val), len(data.test)) == (20, 0, 8)
    assert data.hashes == {file: hashlib.sha256(content).hexdigest() for file, content in PUBLISHED.items()}
    assert capsys.readouterr().err == ""
    assert sorted(os.listdir(house / "data" / "SHD")) == [TEST + end, TRAIN + end]


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_places_are_asked_in_order(house, capsys, first):
    for place in PLACES[first + 1:]:
        write(house / place, OTHER)  # would be noticed
    write(house / PLACES[first], PUBLISHED)
    assert load(house).name == "SHD"
    note = f"SHD: not in {house / 'data'}, taken from {house / PLACES[first]}\n"
    assert capsys.readouterr().err == (note if first >= 2 else "")


def test_an_incomplete_or_damaged_cache_is_no_set(house):
    for content in ({TRAIN: PUBLISHED[TRAIN]}, {TRAIN: PUBLISHED[TRAIN], TEST: OTHER[TEST]}):
        write(house / "cache" / "SHD", content)
        assert load(house).name == "synthetic spoken digits"


@pytest.mark.parametrize("folder, name", [("data/SHD", "data/SHD"), ("data", "data")])
def test_another_set_goes_by_its_folders_name(house, capsys, folder, name):
    write(house / folder, {TRAIN: PUBLISHED[TRAIN], TEST: OTHER[TEST]})
    data = load(house)
    assert (data.name, data.stand_in, len(data.test)) == (name, True, 8)
    message = capsys.readouterr().err
    assert "your own set in the layout of SHD" in message and str(house / folder) in message
    assert TEST in message and TRAIN not in message
    with pytest.raises(ValueError, match=f"does not hold the published SHD.*{TEST}.*source=auto"):
        load(house, source="published")


@pytest.mark.parametrize("file", [TRAIN, TEST])
def test_a_missing_file_is_named(house, file):
    write(house / "data", {other: content for other, content in PUBLISHED.items() if other != file})
    with pytest.raises(ValueError, match=f"{house / 'data'} holds only some of.*: add {file},"):
        load(house)


def test_events_stand_in_when_asked_for(house, capsys, monkeypatch):
    monkeypatch.setattr(download, "fetch", None)
    write(house / "data", PUBLISHED)
    data = load(house, source="sample", val_fraction=0.2)
    assert (data.name, data.stand_in, data.in_shape) == ("synthetic spoken digits", True, (700,))
    assert [len(split) for split in (data.train, data.val, data.test)] == [1600, 400, 500] and data.num_classes == 20
    assert set(data.test.speakers.tolist()) - set(data.train.speakers.tolist()) == {5}
    assert set(data.hashes) == {"spoken_digits_train", "spoken_digits_test"} and len(set(data.hashes.values())) == 2
    message = capsys.readouterr().err
    assert "NOT the set SHD" in message and "source=published" in message and str(house / "data" / "SHD") in message


def test_events_stand_in_where_nothing_can_be_had(house, capsys):
    check_that_a_stand_in_is_told(load, house, capsys, "synthetic spoken digits", "SHD", "*.h5*")


def test_only_the_published_set_will_do_if_so_asked(house):
    check_that_the_published_set_is_insisted_on(load, house, (TRAIN, TEST), house / "data" / "SHD")


def test_a_download_goes_on_from_mirror_to_mirror_and_file_to_file(house, monkeypatch):
    """The mirror `a` gives another set's file for one of the two; the cache is kept unpacked."""
    given = {"a": write(house / "a", {TRAIN: PUBLISHED[TRAIN], TEST: OTHER[TEST]}, ".gz"),
             "b": write(house / "b", PUBLISHED, ".gz")}
    asked = []

    def transfer(url, path):
        mirror, file = url.split("/")[-2:]
        asked.append((mirror, file))
        shutil.copy(given[mirror] / file, path)

    monkeypatch.setattr(download, "_transfer", transfer)
    data = load(house, source="published")
    assert (data.name, data.stand_in, len(data.train)) == ("SHD", False, 20)
    assert asked == [("a", TRAIN + ".gz"), ("a", TEST + ".gz"), ("b", TEST + ".gz")]
    assert sorted(os.listdir(house / "cache" / "SHD")) == [TEST, TRAIN]
    load(house)
    assert len(asked) == 3
