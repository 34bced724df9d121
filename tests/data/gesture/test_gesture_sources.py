"""Where DVS128 Gesture is taken from: folders, archives, mirrors, and what stands in for it."""

import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from helpers.gesture_machine import OTHER, PUBLISHED, archives, load, publish, write_set

from common.data import gesture
from common.data.gesture import FIGSHARE, TEST, TRAIN, tonic_folder
from common.data.gesture import PUBLISHED as DVS_GESTURE

PLACES = ["data/DVSGesture", "data", "shared/DVSGesture", "cache/DVSGesture"]  # in the order they are asked


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
    assert "your own set in the layout of DVS128 Gesture" in message and str(house / place) in message
    with pytest.raises(ValueError, match="does not hold the published DVS128 Gesture.*source=auto"):
        load(house, source="published")


def test_a_missing_part_is_named(house):
    write_set(house / "data", {TEST: PUBLISHED[TEST]})
    message = f"{house / 'data'} holds only some of the files of DVS128 Gesture: add {TRAIN}.tar.gz,"
    with pytest.raises(ValueError, match=message):
        load(house)


@pytest.mark.parametrize("source", ["auto", "sample"])
def test_the_stand_in_is_announced(house, capsys, source):
    data = load(house, source=source)
    assert (data.name, data.stand_in, data.num_classes) == ("synthetic gestures", True, 11)
    assert "*** This is NOT the set DVS128 Gesture: generated gestures stand in" in capsys.readouterr().err


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
        body = archives()[part] if good else b""
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
