import gzip
import hashlib
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from common.data import download

CONTENT = bytes(range(256)) * 400
ZIPPED = gzip.compress(CONTENT, mtime=0)
SHA256, MD5 = hashlib.sha256(ZIPPED).hexdigest(), "md5:" + hashlib.md5(ZIPPED).hexdigest()
PAGES = {  # path: (status, body, announced length)
    "/good": (200, ZIPPED, len(ZIPPED)),
    "/anew": (200, gzip.compress(CONTENT, compresslevel=1, mtime=0), None),
    "/flipped": (200, ZIPPED[:50] + bytes([ZIPPED[50] ^ 1]) + ZIPPED[51:], None),
    "/short": (200, ZIPPED[:-30], None),
    "/broken_off": (200, ZIPPED[:-30], len(ZIPPED)),
    "/html": (200, b"<!DOCTYPE html><title>Moved</title>", None),
}
BAD = ["/flipped", "/short", "/broken_off", "/html", "/not_there"]


class Handler(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.wfile.write(self.answer())
        self.server.asked.append(self.path)

    def answer(self):
        status, body, length = PAGES.get(self.path, (404, b"not here", None))
        self.send_response(status)
        self.send_header("Content-Length", str(length or len(body)))
        self.end_headers()
        return body

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    """A mirror on this machine; `server.url`, and `server.asked`, the paths it was asked for."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.url, server.asked = f"http://127.0.0.1:{server.server_port}", []
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("digest", [SHA256, "sha256:" + SHA256, MD5], ids=["plain", "sha256", "md5"])
def test_a_file_is_fetched_once(server, tmp_path, digest):
    path = tmp_path / "new" / "folder" / "file.gz"
    for _ in range(2):
        assert download.fetch(path, [server.url + "/good"], digest) == path
    assert path.read_bytes() == ZIPPED
    assert server.asked == ["/good"]


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("unzip", [False, True])
def test_a_bad_mirror_is_passed_over_and_its_file_thrown_away(server, tmp_path, bad, unzip):
    digest = hashlib.sha256(CONTENT).hexdigest() if unzip else SHA256
    path = tmp_path / "file.gz"
    with pytest.raises(download.DownloadError, match=f"file.gz\n.*{bad}: "):
        download.fetch(path, [server.url + bad], digest, unzip)
    assert os.listdir(tmp_path) == []
    download.fetch(path, [server.url + bad, server.url + "/good"], digest, unzip)
    assert path.read_bytes() == ZIPPED
    assert os.listdir(tmp_path) == ["file.gz"]


def test_a_file_compressed_anew_is_the_same_inside(server, tmp_path):
    url, inside = server.url + "/anew", hashlib.sha256(CONTENT).hexdigest()
    path = download.fetch(tmp_path / "file.gz", [url], inside, unzip=True)
    assert gzip.decompress(path.read_bytes()) == CONTENT
    with pytest.raises(download.DownloadError, match="its hash differs"):
        download.fetch(tmp_path / "other.gz", [url], SHA256)


def test_a_damaged_file_in_its_place_is_replaced(server, tmp_path):
    path = tmp_path / "file.gz"
    path.write_bytes(ZIPPED[:100])
    download.fetch(path, [server.url + "/good"], SHA256)
    assert path.read_bytes() == ZIPPED


def test_an_interrupted_download_leaves_nothing(server, tmp_path, monkeypatch):
    join = threading.Thread.join

    def interrupted(self, *arguments):
        join(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        download.fetch(tmp_path / "file.gz", [server.url + "/good"], SHA256)
    monkeypatch.undo()
    assert os.listdir(tmp_path) == []


def test_every_mirrors_fault_is_told(server, tmp_path):
    urls = [server.url + "/html", server.url + "/gone", "http://127.0.0.1:1/refused"]
    with pytest.raises(download.DownloadError) as caught:
        download.fetch(tmp_path / "file.gz", urls, SHA256)
    first, html, gone, refused = str(caught.value).splitlines()
    assert "file.gz" in first and "hash differs" in html and "404" in gone and "ConnectionError" in refused


def test_a_server_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(download, "PATIENCE", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        started = time.monotonic()
        with pytest.raises(download.DownloadError, match="Timeout"):
            download.fetch(tmp_path / "file.gz", [f"http://127.0.0.1:{mute.getsockname()[1]}/"], SHA256)
    assert time.monotonic() - started < 2
    assert os.listdir(tmp_path) == []


def test_a_name_server_that_does_not_answer_is_not_waited_for(tmp_path, monkeypatch):
    def resolve(*args, **kwargs):
        time.sleep(1)
        raise socket.gaierror("no name server")

    monkeypatch.setattr(download, "PATIENCE", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    started = time.monotonic()
    with pytest.raises(download.DownloadError, match="Timeout"):
        download.fetch(tmp_path / "file.gz", ["http://mirror.invalid/"], SHA256)
    assert time.monotonic() - started < 0.9


def test_content_is_opened_by_what_it_is_not_by_its_name(tmp_path):
    (tmp_path / "zipped").write_bytes(ZIPPED)
    (tmp_path / "plain.gz").write_bytes(CONTENT)
    for name in ("zipped", "plain.gz"):
        with download.open_content(tmp_path / name) as file:
            assert file.read() == CONTENT
