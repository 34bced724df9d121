"""DVS128 Gesture, from the first place that has it, or generated gestures that stand in for it."""

import dataclasses
import shutil

import torch

from common.data import Data, count_classes, download, hold_out, report_times
from common.data.gesture import archive, frame_cache, scene
from common.data.gesture.frames import Frames, Framing
from common.data.gesture.tonic_folder import NUM_CLASSES, Memory
from common.data.published import Published, refuse_same

TRAIN, TEST = PARTS = ("ibmGestureTrain", "ibmGestureTest")
FIGSHARE = {TRAIN: 38022171, TEST: 38020584}
MIRRORS = (  # the site's own links, https://figshare.com/ndownloader/files/, answer programs with empty files
    "https://api.figshare.com/v2/file/download/",
    "https://ndownloader.figshare.com/files/",
)
PUBLISHED = Published(
    "DVS128 Gesture",
    "DVSGesture",
    {TRAIN: "md5:3a8f0d4120a166bac7591f77409cb105", TEST: "md5:56070e45dadaa85fff82e0fbfbc06de5"},  # NAME.tar.gz
    {part: [f"{mirror}{number}" for mirror in MIRRORS] for part, number in FIGSHARE.items()},
    ends=("/", ".tar.gz", ".tgz", ".tar"),
    cached=".tar.gz",
    stand_in="generated gestures stand in",
    unzip=False,
    aliases=("DvsGesture", "DVS128Gesture"),
)


def load(data_dir, source="auto", val_fraction=0.0, val_users=(), subset=0, framing=None, framing_test=None,
         augmentation=None):
    """Return the Data of DVS128 Gesture, splits of Frames, as tonic distributes it: 11 classes, 1,077 and 264 samples.

    data_dir, source: see Published.locate.
    val_fraction: in [0, 1), of the training set, held out evenly over the classes and the same in every run; or
    val_users: whose recordings to hold out.  subset: 0, or how many training samples to keep.
    framing: a Framing, None: 20 frames, split by number.  framing_test: of the test set, None: the same.
    augmentation: a GestureAugmentation of the training split, or None.  Frames of whole parts are counted once and
    kept in the user's cache; an augmented recording is counted anew each time.
    Raises ValueError for a bad argument, a damaged or missing file, and under "published" for anything but the
    published set; OSError if the cache cannot be written.
    """
    framing = framing or Framing("number", 20)
    train, test, title = _read_set(data_dir, source)
    hashes = {TRAIN: train.digest, TEST: test.digest}
    refuse_same(hashes, {part: part for part in PARTS}, TRAIN, TEST)
    named = title in (PUBLISHED.title, scene.TITLE)  # whether the classes are DVS128 Gesture's
    num_classes = count_classes(torch.from_numpy(train.labels), f"the training set of {title}",
                                NUM_CLASSES if named else 0)
    highest = test.labels.argmax()
    if test.labels[highest] >= num_classes:
        raise ValueError(f"{test.paths[highest]}: the label, its name, must lie in 0..{num_classes - 1}, as in "
                         "the training set; rename or remove it")
    if augmentation and augmentation.flip_lr and not named:
        raise ValueError(f"flip_lr swaps classes of {PUBLISHED.title}, which {title} need not have; set flip_lr=False")
    train_split = _split(train, framing, f"the training set of {title}")
    test_split = _split(test, framing_test or framing, f"the test set of {title}")
    train_split, val_split = hold_out(train_split, title, val_fraction, subset, "users", val_users)
    if augmentation:
        train_split = dataclasses.replace(train_split, store=frame_cache.Augmented(train, framing, augmentation))
    return Data(train_split, val_split, test_split, framing.shape[1:], num_classes, title, title != PUBLISHED.title,
                hashes)


def _read_set(data_dir, source):
    """(Recordings to train on, those to test on, the set's name)."""
    cache = download.cache(PUBLISHED.folder)
    memory = Memory(cache / "known.json")
    folder = PUBLISHED.locate(data_dir, source, memory.matches)
    made = cache / f"synthetic-{scene.VERSION}"
    if not folder and not scene.is_whole(made):
        shutil.rmtree(made, ignore_errors=True)  # somebody has taken a file out of it
        scene.make(made)
    parts = [archive.located(path, part, PUBLISHED.hashes[part], cache, memory)
             for part, path in PUBLISHED.paths(folder or made).items()]
    memory.save()
    differing = [part for part, recordings in zip(PARTS, parts, strict=True) if not recordings.published]
    return *parts, PUBLISHED.identify(folder, differing, source) if folder else scene.TITLE


def _split(recordings, framing, name):
    """The Frames of all recordings of a part, which messages call `name`."""
    store = frame_cache.cached(recordings, framing, download.cache(PUBLISHED.folder) / "frames")
    num_events, num_kept, lasting = store.totals.T
    end = framing.edges[-1] / 1e6 if framing.split_by == "dt" else 0
    report_times(name, "ms", lasting[num_events > 0] / 1e6, (num_events - num_kept).sum(), num_events.sum(), end)
    labels, users = torch.from_numpy(recordings.labels), torch.from_numpy(recordings.users)
    return Frames(labels, users, torch.arange(len(labels)), store, framing)
