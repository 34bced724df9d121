"""Mirrors that take their time, drip or never end."""

import contextlib
import hashlib
import os
import socket
import threading
import time

import pytest

from common import atomic
from common.data import download

CONTENT = os.urandom(20_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def serve(answer):
    """The url of a server that hands each connection to `answer`, in a thread that ends with the tests."""
    listening = socket.create_server(("127.0.0.1", 0))

    def run():
        while True:
            connection, _ = listening.accept()
            with contextlib.suppress(OSError), connection:
                connection.recv(1 << 16)
                answer(connection)

    threading.Thread(target=run, daemon=True).start()
    return f"http://127.0.0.1:{listening.getsockname()[1]}/"


HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


def good(connection):
    connection.sendall(HEAD + CONTENT)


def late(connection):
    time.sleep(0.5)
    connection.sendall(HEAD + CONTENT)


def dripping(connection):
    connection.sendall(HEAD)
    for byte in CONTENT:
        connection.sendall(bytes([byte]))
        time.sleep(0.05)


def endless(connection):
    connection.sendall(HEAD)
    while True:
        connection.sendall(bytes(1 << 16))


def test_a_mirror_that_takes_its_time_is_no_absent_one(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 1.0)
    assert download.fetch(tmp_path / "file", [serve(late)], SHA256).read_bytes() == CONTENT
    monkeypatch.undo()
    assert download.PATIENCE > 10


@pytest.mark.parametrize("answer, fault", [(dripping, "Timeout"), (endless, "hash differs")])
def test_a_body_that_drips_or_has_no_end_is_given_up(tmp_path, monkeypatch, answer, fault):
    monkeypatch.setattr(download, "PATIENCE", 0.5)
    monkeypatch.setattr(download, "LARGEST", 10**7)
    started, url = time.monotonic(), serve(answer)
    with pytest.raises(download.DownloadError, match=fault):
        download.fetch(tmp_path / "file", [url], SHA256)
    assert time.monotonic() - started < 3 and os.listdir(tmp_path) == []
    download.fetch(tmp_path / "file", [url, serve(good)], SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_thread_that_was_given_up_spoils_no_other_mirror_s_file(tmp_path, monkeypatch):
    """The first mirror answers once the second's file is being written; that must not grow by what comes."""
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    matches = download.matches

    def slowly(*arguments):
        time.sleep(0.6)
        return matches(*arguments)

    monkeypatch.setattr(download, "matches", slowly)
    download.fetch(tmp_path / "file", [serve(late), serve(good)], SHA256)
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_full_disk_is_told_as_such(tmp_path):
    part = tmp_path / f"file.download.{atomic.MACHINE}.{os.getpid()}.part"
    part.symlink_to("/dev/full")
    with pytest.raises(OSError, match="the disk is full: cannot write"):
        download.fetch(tmp_path / "file", [serve(good)], SHA256)
