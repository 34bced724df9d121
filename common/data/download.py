"""Fetch a file once, from the first mirror that gives it whole, into the user's cache."""

import gzip
import hashlib
import shutil
import sys
import threading
import zlib

import pooch
import requests
from tqdm import tqdm

from common import atomic

BAD_GZIP = (gzip.BadGzipFile, zlib.error, EOFError)  # errors that reading a damaged gzip file raises
PATIENCE = 15  # seconds in which a server must answer, and then give CHUNK bytes
CHUNK = 1 << 15
LARGEST = 10**10  # bytes; no file that is fetched has more


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


def hash_of(path, algorithm="sha256"):
    """The hash, in hex, of a file as it is."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()


def made_once(folder, key, end, make, size=0):
    """(path, sha256) of a file of a cache, `key`-<its sha256>`end`, made anew if there is none or a damaged one.

    make: writes it to the path that it is called with.  size: bytes that there must be room for.
    """
    for made in folder.glob(f"{key}-*{end}"):
        if (content := hash_of(made)) == made.name.removesuffix(end).rpartition("-")[2]:
            return made, content
    with atomic.part(folder / f"{key}{end}", size) as part:
        make(part)
        content = hash_of(part)
        return part.replace(folder / f"{key}-{content}{end}"), content


def open_content(path):
    """Open `path` to read its bytes, decompressed if it is a gzip file, whatever it is called."""
    with open(path, "rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if zipped else open(path, "rb")


def _transfer(url, path):
    """Write what is at `url`, as far as LARGEST, to `path`; a RequestException if that fails or stalls.

    A thread does it, as no timeout of requests counts the time of a name server or of a body that drips.
    """
    print(f"downloading {url}", file=sys.stderr)
    faults, size = [], 0

    def get():
        try:
            with requests.get(url, stream=True, timeout=PATIENCE) as answer:
                answer.raise_for_status()
                for part in tqdm(answer.iter_content(CHUNK), unit_scale=CHUNK, unit="B", leave=False, disable=None):
                    file.write(part)  # an error once nobody waits and the file is closed
                    if file.tell() > LARGEST:
                        break
        except Exception as error:
            faults.append(error)

    with open(path, "wb") as file:
        (getting := threading.Thread(target=get, daemon=True)).start()
        while getting.join(PATIENCE) or getting.is_alive():
            before, size = size, path.stat().st_size
            if size == before:
                raise requests.Timeout
    if faults:
        raise faults[0]
