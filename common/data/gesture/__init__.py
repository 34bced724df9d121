"""DVS128 Gesture, from the first place that has it, or made gestures that stand in for it."""

import dataclasses
import shutil
import sys
from pathlib import Path

import torch

from common.data import Data, announce, download, find, hold_out, name_of
from common.data.gesture import archive, frame_cache, scene
from common.data.gesture.frames import Frames, Framing
from common.data.gesture.tonic_folder import NUM_CLASSES, Memory

TITLE, FOLDER = "DVS128 Gesture", "DVSGesture"
TRAIN, TEST = PARTS = ("ibmGestureTrain", "ibmGestureTest")
MD5 = {TRAIN: "3a8f0d4120a166bac7591f77409cb105", TEST: "56070e45dadaa85fff82e0fbfbc06de5"}  # of NAME.tar.gz
FIGSHARE = {TRAIN: 38022171, TEST: 38020584}
MIRRORS = (  # the site's own links, https://figshare.com/ndownloader/files/, answer programs with empty files
    "https://api.figshare.com/v2/file/download/",
    "https://ndownloader.figshare.com/files/",
)


def load(data_dir, source="auto", val_fraction=0.0, val_users=(), subset=0, framing=None, framing_test=None,
         augmentation=None):
    """Return the Data of DVS128 Gesture, splits of Frames, as tonic distributes it: 11 classes, 1,077 and 264 samples.

    data_dir: holds the folder DVSGesture, or is the set's own folder, whatever its name; else $SNN_DATA, the user's
    cache and the mirrors are asked, in this order.  Its two parts may be folders or .tar.gz.
    source: "auto" (what is found, else the stand-in) | "published" | "sample" (the stand-in).
    val_fraction: in [0, 1), of the training set, held out evenly over the classes and the same in every run; or
    val_users: whose recordings to hold out.  subset: 0, or how many training samples to keep.
    framing: a Framing, None: 20 frames, split by number.  framing_test: of the test set, None: the same.
    augmentation: an EventAugmentation of the training split, or None.  Frames of whole parts are counted once and
    kept in the user's cache; an augmented recording is counted anew each time.
    Raises ValueError for a bad argument, a damaged or missing file, and under "published" for anything but the
    published set; OSError if the cache cannot be written.
    """
    if source not in ("auto", "published", "sample"):
        raise ValueError(f'source must be "auto", "published" or "sample", got {source!r}')
    framing = framing or Framing("number", 20)
    parts, published, title = _read_set(Path(data_dir).expanduser(), source)
    named = title in (TITLE, scene.TITLE)  # whether the classes are DVS128 Gesture's
    num_classes = NUM_CLASSES if named else int(parts[TRAIN].labels.max()) + 1
    highest = parts[TEST].labels.argmax()
    if parts[TEST].labels[highest] >= num_classes:
        raise ValueError(f"{parts[TEST].paths[highest]}: the label, its name, must lie in 0..{num_classes - 1}, as in "
                         "the training set; rename or remove it")  # fmt: skip
    if augmentation and augmentation.flip_lr and not named:
        raise ValueError(f"flip_lr swaps classes of {TITLE}, which {title} need not have; set flip_lr=False")
    train, test = (_split(parts[part], how, published) for part, how in ((TRAIN, framing),
                                                                         (TEST, framing_test or framing)))  # fmt: skip
    train, val = hold_out(train, val_fraction, "users", val_users)
    if not 0 <= subset <= len(train):
        raise ValueError(f"subset must lie in 0..{len(train)}, the training samples of {title}, got {subset}")
    train = train.take(slice(subset or None))
    if augmentation:
        store = frame_cache.Augmented(parts[TRAIN], framing, augmentation, published)
        train = dataclasses.replace(train, store=store)
    hashes = {part: recordings.digest for part, recordings in parts.items()}
    return Data(train, val, test, framing.shape[1:], num_classes, title, title != TITLE, hashes)


def _read_set(data_dir, source):
    """({part: its Recordings}, whether they are the published ones, the set's name)."""
    cache = download.cache(FOLDER)
    memory = Memory(cache / "known.json")
    folder = None if source == "sample" else _find(data_dir, memory) or _download(data_dir, source)
    made = cache / f"synthetic-{scene.VERSION}"
    if not folder:
        announce(f"This is NOT the set {TITLE}: made gestures stand in for it.",
                 f"For the real one, put {TRAIN}.tar.gz and {TEST}.tar.gz into {data_dir / FOLDER}; source=published "
                 "says from where, and insists on it.")  # fmt: skip
        if not scene.is_whole(made):
            shutil.rmtree(made, ignore_errors=True)  # somebody has taken a file out of it
            scene.make(made)
    parts, known = {}, {}
    for part in PARTS:
        parts[part], known[part] = archive.located(folder or made, part, MD5[part], cache, memory)
    memory.save()
    title = _identify(folder, known, source) if folder else scene.TITLE
    return parts, title == TITLE, title


def _find(data_dir, memory):
    archives = {part: f"{part}.tar.gz" for part in PARTS}

    def begun(folder):
        return any((folder / part).is_dir() or (folder / packed).is_file() for part, packed in archives.items())

    def complete(folder):
        return all((folder / packed).is_file() and memory.of(folder / packed, archive.md5) == MD5[part]
                   for part, packed in archives.items())  # fmt: skip

    return find(TITLE, FOLDER, data_dir, download.cache(FOLDER), begun, complete)


def _download(data_dir, source):
    """The cache's folder, once it has the published set; if no mirror gives it None, under "published" ValueError."""
    cache = download.cache(FOLDER)
    links = {part: [f"{mirror}{FIGSHARE[part]}" for mirror in MIRRORS] for part in PARTS}
    try:
        for part in PARTS:
            download.fetch(cache / f"{part}.tar.gz", links[part], f"md5:{MD5[part]}")
    except download.DownloadError as error:
        if source == "published":
            told = "\n".join(f"  {part}.tar.gz (md5 {MD5[part]}): {' or '.join(links[part])}" for part in PARTS)
            raise ValueError(f"{TITLE} is not in {data_dir}; {error}\n"
                             f"Put both archives into {data_dir / FOLDER}, under these names:\n{told}") from error
        print(error, file=sys.stderr)
        return None
    return cache


def _identify(folder, known, source):
    """The name of the set in `folder`, by which of its parts are known to be the published."""
    differing = [part for part in PARTS if not known[part]]
    if not differing:
        return TITLE
    if source == "published":
        raise ValueError(f"{folder} does not hold the published {TITLE}, or not the archives that would prove it: "
                         f"{', '.join(differing)}; put there {' and '.join(f'{part}.tar.gz' for part in PARTS)} from "
                         f"{MIRRORS[0]}{FIGSHARE[TRAIN]} and {FIGSHARE[TEST]}, or use source=auto")  # fmt: skip
    title = name_of(folder, {FOLDER, TITLE})
    announce(f"This is NOT known to be the published {TITLE}: {folder} ({', '.join(differing)}).",
             f'Its results are kept under "{title}"; source=published insists on the published set.')
    return title


def _split(recordings, framing, published):
    """The Frames of all recordings of a part."""
    store = frame_cache.cached(recordings, framing, published, download.cache(FOLDER) / "frames")
    labels, users = torch.from_numpy(recordings.labels), torch.from_numpy(recordings.users)
    return Frames(labels, users, torch.arange(len(labels)), store, framing)
