import hashlib
import os
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.gesture_set import archive, npy, write

from common.data import download, gesture
from common.data.gesture import FIGSHARE, TEST, TRAIN, scene, tonic_folder
from common.data.gesture import PUBLISHED as DVS_GESTURE
from common.data.gesture.augmentation import GestureAugmentation
from common.data.gesture.frames import Framing

REAL = Path(os.environ.get("SNN_DATA") or "-") / "dvs_objects"
PLACES = ["data/DVSGesture", "data", "shared/DVSGesture", "cache/DVSGesture"]  # in the order they are asked
SMALL = {"framing": Framing("number", 2, downsample=8)}


def made(users, labels=range(11), first=0):
    """{name: a recording}: of each user and label, user + label + 1 + first events at x = user, y = label."""
    return {f"user{user:02}_led/{label}.npy": npy(np.tile([[user, label, 1, 3]], (user + label + 1 + first, 1)))
            for user in users for label in labels}


PUBLISHED = {TRAIN: made((1, 2, 3)), TEST: made((8, 9))}
OTHER = {TRAIN: made((1, 2, 3), first=1), TEST: made((8, 9), first=1)}
ARCHIVES = {}


@pytest.fixture(scope="module", autouse=True)
def archives(tmp_path_factory):
    for part, files in PUBLISHED.items():
        members = {f"{part}/{name}": content for name, content in files.items()}
        ARCHIVES[part] = archive(tmp_path_factory.mktemp("archives") / f"{part}.tar.gz", members).read_bytes()


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch, archives):
    """A machine with nothing on it and no network, for which DVS128 Gesture is PUBLISHED."""
    monkeypatch.setattr(download, "cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setenv("SNN_DATA", str(tmp_path / "shared"))
    publish(monkeypatch, "http://127.0.0.1:1/a/", "http://127.0.0.1:1/b/")
    monkeypatch.setattr(scene, "make", lambda folder: write_set(folder, OTHER))
    return tmp_path


def publish(monkeypatch, *mirrors):
    """Have these mirrors, by the site's numbers, the archives."""
    hashes = {part: "md5:" + hashlib.md5(ARCHIVES[part]).hexdigest() for part in ARCHIVES}
    urls = {part: [f"{mirror}{FIGSHARE[part]}" for mirror in mirrors] for part in ARCHIVES}
    monkeypatch.setattr(gesture, "PUBLISHED", DVS_GESTURE._replace(hashes=hashes, urls=urls))


def write_set(folder, parts, packed=False):
    """A set as folders, or as the published archives."""
    for part, files in parts.items():
        write(folder, {f"{part}.tar.gz": ARCHIVES[part]}) if packed else write(folder / part, files)
    return folder


def load(house, **options):
    return gesture.load(str(house / "data"), **SMALL | options)


@pytest.mark.parametrize("packed", [True, "both"])
@pytest.mark.parametrize("source", ["auto", "published"])
def test_the_published_set_is_known_by_its_archives(house, capsys, packed, source):
    folder = write_set(house / "data" / "DVSGesture", PUBLISHED, packed=True)
    if packed == "both":
        write_set(folder, PUBLISHED)
    for _ in range(2):
        data = load(house, source=source)
        assert (data.name, data.stand_in, data.in_shape, data.num_classes) == ("DVS128 Gesture", False, (2, 16, 16), 11)
        assert (len(data.train), len(data.val), len(data.test)) == (33, 0, 22)
        assert "***" not in capsys.readouterr().err


def test_what_is_in_the_files_is_in_the_splits(house):
    write_set(house / "data", PUBLISHED)
    data = load(house, framing=Framing("time", 3))
    assert sorted(zip(data.train.users.tolist(), data.train.labels.tolist(), strict=True)) == [
        (user, label) for user in (1, 2, 3) for label in range(11)]
    for split in (data.train, data.test):
        frames, labels = split.batch(slice(None))
        assert frames.shape == (len(split), 3, 2, 128, 128) and labels.equal(split.labels)
        for k in range(len(split)):
            user, label = split.users[k].item(), split.labels[k].item()
            assert frames[k].sum() == frames[k, 2, 1, label, user] == user + label + 1


def test_the_test_set_may_have_other_frames(house):
    write_set(house / "data", PUBLISHED)
    data = load(house, framing=Framing("dt", 3, 5.0), framing_test=Framing("dt", 7, 5.0), val_fraction=0.4)
    assert [split.batch(slice(2))[0].shape[1] for split in (data.train, data.val, data.test)] == [3, 3, 7]


def test_validation_by_class_by_user_and_a_subset(house):
    write_set(house / "data", PUBLISHED)
    data = load(house, val_fraction=1 / 3, subset=5)
    assert (len(data.train), len(data.test)) == (5, 22) and sorted(data.val.labels.tolist()) == list(range(11))
    again = load(house, val_fraction=1 / 3)
    assert again.val.users.equal(data.val.users) and again.train.labels[:5].equal(data.train.labels)
    data = load(house, val_users=[2])
    assert set(data.train.users.tolist()) == {1, 3} and data.val.users.tolist() == [2] * 11
    for split in (data.train, data.val):
        frames, labels = split.batch(torch.arange(len(split)))
        assert frames.sum((1, 2, 3, 4)).tolist() == (split.users + labels + 1).tolist()


@pytest.mark.parametrize("options, message", [
    ({"source": "here"}, 'source must be "auto", "published" or "sample"'),
    ({"val_fraction": 1.0}, "val_fraction 1.0 of 33 must leave samples"),
    ({"val_fraction": 0.001}, "and some to validate on"),
    ({"val_fraction": 0.1, "val_users": [1]}, "val_fraction and val_users exclude each other"),
    ({"val_users": [8]}, r"val_users must be among the training set's users \[1, 2, 3\], got \[8\]"),
    ({"val_users": [3, 2, 1]}, "leave nobody to train on"),
    ({"subset": 34}, "subset must lie in 0..33"),
])
def test_a_wrong_argument_is_an_error(house, options, message):
    write_set(house / "data", PUBLISHED)
    with pytest.raises(ValueError, match=message):
        load(house, **options)


@pytest.mark.parametrize("first", range(len(PLACES)))
def test_the_places_are_asked_in_order(house, capsys, first):
    for place in PLACES[first + 1:]:
        write_set(house / place, OTHER)  # would be noticed
    write_set(house / PLACES[first], PUBLISHED, packed=True)
    assert load(house).name == "DVS128 Gesture"
    note = f"DVS128 Gesture: not in {house / 'data'}, taken from {house / PLACES[first]}\n"
    assert (note in capsys.readouterr().err) == (first >= 2)


@pytest.mark.parametrize("place, name", [
    ("data/DVSGesture", "data/DVSGesture"), ("data", "data"), ("shared/DVSGesture", "shared/DVSGesture")])
def test_another_set_goes_by_its_folders_name(house, capsys, place, name):
    write_set(house / place, PUBLISHED)  # without the archives nothing says so
    data = load(house)
    assert (data.name, data.stand_in, data.num_classes) == (name, True, 11)
    message = capsys.readouterr().err
    assert "NOT known to be the published DVS128 Gesture" in message and str(house / place) in message
    with pytest.raises(ValueError, match="does not hold the published DVS128 Gesture.*source=auto"):
        load(house, source="published")


def test_another_set_has_as_many_classes_as_labels_and_its_test_set_no_more(house):
    write_set(house / "data", {TRAIN: made((1, 2), range(5)), TEST: made((8,), range(4))})
    assert load(house).num_classes == 5
    write(house / "data" / TEST, made((8,), range(6)))
    with pytest.raises(ValueError, match=f"{house}.*user08_led/5.npy: the label, its name, must lie in 0..4"):
        load(house)


def test_a_test_set_that_is_the_training_set_is_refused(house):
    write_set(house / "data", {TRAIN: PUBLISHED[TRAIN], TEST: PUBLISHED[TRAIN]})
    with pytest.raises(ValueError, match=f"{TRAIN} and {TEST} hold the same samples"):
        load(house)


def test_a_missing_part_is_named(house):
    write_set(house / "data", {TEST: PUBLISHED[TEST]})
    message = f"{house / 'data'} holds only some of the files of DVS128 Gesture: add {TRAIN}.tar.gz,"
    with pytest.raises(ValueError, match=message):
        load(house)


@pytest.mark.parametrize("content, message", [
    (b"", "is no .npy file"),
    (npy(np.array([[1, 2, 3, 4]])), "event 0 is off the sensor"),
    (npy(np.array([[1, 2, 1, 4], [1, 128, 1, 4]])), "event 1 is off the sensor"),
])
@pytest.mark.parametrize("part", [TRAIN, TEST])
@pytest.mark.parametrize("augmentation", [None, GestureAugmentation(drop=0.1)])
def test_a_damaged_recording_is_named_before_training(house, part, content, message, augmentation):
    write_set(house / "data", PUBLISHED)
    path = house / "data" / part / next(iter(PUBLISHED[part]))
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"{path} {message}"):
        load(house, augmentation=augmentation)
    path.write_bytes(npy(np.empty((0, 4))))
    data = load(house, augmentation=augmentation)
    frames = (data.train if part == TRAIN else data.test).batch(slice(None))[0]
    assert (~frames.flatten(1).any(1)).sum() == 1


def test_an_augmented_recording_is_read_each_time_and_validation_is_left_alone(house, monkeypatch):
    write_set(house / "data", PUBLISHED, packed=True)
    data = load(house, val_users=[1], augmentation=GestureAugmentation(flip_lr=True), framing=Framing("number", 1))
    frames, labels = data.train.batch(slice(None))
    columns = frames.sum((1, 2, 3)).argmax(1)
    flipped = columns == 127 - data.train.users
    assert (columns == torch.where(flipped, 127 - data.train.users, data.train.users)).all()
    assert 0 < flipped.sum() < 22 and (labels == data.train.labels)[~flipped].all()
    swapped = torch.tensor([0, 2, 1, 6, 5, 4, 3, 7, 8, 9, 10])[data.train.labels]
    assert (labels == swapped)[flipped].all()
    monkeypatch.setattr(tonic_folder, "events", None)
    assert data.val.batch(slice(None))[1].equal(data.val.labels)


def test_only_the_gestures_are_mirrored(house):
    write_set(house / "data", OTHER)
    with pytest.raises(ValueError, match="flip_lr swaps classes of DVS128 Gesture, which data need not have"):
        load(house, augmentation=GestureAugmentation(flip_lr=True))
    assert load(house, source="sample", augmentation=GestureAugmentation(flip_lr=True)).stand_in


@pytest.mark.parametrize("source", ["auto", "sample"])
def test_the_stand_in_is_announced(house, capsys, source):
    data = load(house, source=source)
    assert (data.name, data.stand_in, data.num_classes) == ("synthetic gestures", True, 11)
    assert "*** This is NOT the set DVS128 Gesture: made gestures stand in" in capsys.readouterr().err


def test_a_stand_in_that_lost_a_file_is_made_anew(house):
    first = load(house, source="sample")
    path = next((house / "cache" / "DVSGesture").rglob("ibmGestureTest/*/*.npy"))
    path.unlink()
    assert load(house, source="sample").hashes == first.hashes and path.exists()


def test_source_published_says_from_where_and_where_to(house):
    with pytest.raises(ValueError) as error:
        load(house, source="published")
    for said in (f"{TRAIN}.tar.gz", f"{TEST}.tar.gz", "http://127.0.0.1:1/a/38022171", "http://127.0.0.1:1/b/38020584",
                 gesture.PUBLISHED.hashes[TRAIN], str(house / "data" / "DVSGesture")):
        assert said in str(error.value)


def test_the_published_md5_are_those_of_tonic():
    tonic = pytest.importorskip("tonic.datasets").DVSGesture
    assert DVS_GESTURE.hashes == {TRAIN: "md5:" + tonic.train_md5, TEST: "md5:" + tonic.test_md5}
    assert {TRAIN: tonic.train_url, TEST: tonic.test_url} == {
        part: f"https://figshare.com/ndownloader/files/{number}" for part, number in FIGSHARE.items()}
    assert len(tonic.classes) == tonic_folder.NUM_CLASSES


class Handler(BaseHTTPRequestHandler):
    """Under /empty/ empty files, as figshare's site gives; under /good/ the archives."""

    def do_GET(self):
        good, part = self.path.startswith("/good/"), TRAIN if self.path.endswith("171") else TEST
        body = ARCHIVES[part] if good else b""
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            self.server.asked.append(self.path)

    do_HEAD = do_GET

    def log_message(self, *arguments):
        pass


def test_the_archives_are_downloaded_once_from_a_mirror_that_has_them(house, monkeypatch, capsys):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url, server.asked = f"http://127.0.0.1:{server.server_port}", []
        publish(monkeypatch, f"{url}/empty/", f"{url}/good/")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            for _ in range(2):
                assert load(house, source="published").name == "DVS128 Gesture"
        finally:
            server.shutdown()
            thread.join()
    numbers = ("38022171", "38020584")
    assert server.asked == [f"/{kind}/{number}" for number in numbers for kind in ("empty", "good")]
    assert f"taken from {house / 'cache' / 'DVSGesture'}" in capsys.readouterr().err


def test_hashes_are_of_the_content_alone(house):
    write_set(house / "data", PUBLISHED)
    first = load(house).hashes
    shutil.move(house / "data", house / "shared" / "DVSGesture")
    assert load(house).hashes == first and set(first) == {TRAIN, TEST}
    write_set(house / "data", OTHER)
    assert load(house).hashes != first


@pytest.mark.skipif(not REAL.is_dir(), reason="needs dvs_objects in $SNN_DATA")
def test_real_recordings_in_this_layout(house, capsys):
    tonic = pytest.importorskip("tonic")
    data = gesture.load(REAL, framing=Framing("dt", 8, 25.0), val_fraction=0.15)
    assert (len(data.train), len(data.val), len(data.test), data.num_classes) == (128, 22, 106, 5)
    assert (data.name, data.stand_in) == ("dvs_objects/DVSGesture", True)
    frame = tonic.transforms.ToFrame((128, 128, 2), time_window=25000, include_incomplete=True)
    for user, label in ((6, 0), (17, 3)):
        events = np.load(REAL / "DVSGesture" / TRAIN / f"user{user:02}_session2" / f"{label}.npy")
        fields = np.lib.recfunctions.unstructured_to_structured(
            events * [1, 1, 1, 1000], tonic.datasets.DVSGesture.dtype)
        for split in (data.train, data.val):
            place = ((split.users == user) & (split.labels == label)).nonzero()[:, 0]
            for frames in split.batch(place)[0]:
                assert (frames.numpy() == frame(fields)[:8]).all()
