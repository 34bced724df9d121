"""Fetch a file once, from the first mirror that gives it whole, into the user's cache."""

import gzip
import hashlib
import shutil
import sys
import threading
import zlib

import pooch
import requests

from common import atomic

BAD_GZIP = (gzip.BadGzipFile, zlib.error, EOFError)  # errors that reading a damaged gzip file raises
PATIENCE = 3  # seconds for a server to answer at all


class DownloadError(ValueError):
    """No mirror could be reached, or none had the file as published."""


def cache(name):
    """Folder of the user's cache for the data set `name`; it need not exist."""
    return pooch.os_cache("snn-experiments") / name


def fetch(path, urls, digest, unzip=False):
    """Return `path`, a file that has `digest`: the one there, else from the first of `urls` that gives it.

    digest: sha256 in hex, or "md5:<hex>", of the file as it comes; with `unzip`, of what is
    inside it, which does not change when somebody compresses it anew: it is kept unpacked unless `path` ends in .gz.
    A download is written beside `path` and renamed once its digest is right; anything else
    is thrown away.  Raises DownloadError with each mirror's fault, OSError if `path` cannot be written.
    """
    if matches(path, digest, unzip):
        return path
    faults = []
    with atomic.part(path.with_name(f"{path.name}.download")) as part:
        for url in urls:
            try:
                _transfer(url, part)
                if matches(part, digest, unzip):
                    return _keep(part, path, unzip and path.suffix != ".gz")
                faults.append(f"{url}: gave another file or a damaged one (its hash differs)")
            except requests.HTTPError as error:
                faults.append(f"{url}: HTTP status {error.response.status_code}")
            except requests.RequestException as error:
                faults.append(f"{url}: {type(error).__name__}")
    raise DownloadError(f"cannot download {path.name}\n" + "\n".join(f"  {fault}" for fault in faults))


def _keep(part, path, unpack):
    if not unpack:
        return part.replace(path)
    with open_content(part) as content, atomic.file(path) as file:
        shutil.copyfileobj(content, file, 1 << 20)
    return path


def matches(path, digest, unzip=False):
    """Whether `path` is a file that has `digest`; arguments as in `fetch`."""
    if not path.is_file():
        return False
    algorithm, _, expected = digest.rpartition(":")
    try:
        with open_content(path) if unzip else open(path, "rb") as file:
            return hashlib.file_digest(file, algorithm or "sha256").hexdigest() == expected
    except BAD_GZIP:
        return False


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def md5(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def open_content(path):
    """Open `path` to read its bytes, decompressed if it is a gzip file, whatever it is called."""
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if zipped else open(path, "rb")


def _transfer(url, path):
    print(f"downloading {url}", file=sys.stderr)
    _require_answer(url)
    pooch.HTTPDownloader(progressbar=True, timeout=(PATIENCE, 20))(url, path, None)


def _require_answer(url):
    """Raise a RequestException unless the server answers, in good time also where there is no way out.

    A timeout of requests alone leaves out the name server, and starts anew for each of the host's addresses.
    """
    outcome = [requests.ConnectTimeout()]

    def ask():
        try:
            requests.head(url, timeout=PATIENCE)
            outcome[0] = None
        except requests.RequestException as error:
            outcome[0] = error

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE)
    if error := outcome[0]:
        raise error
