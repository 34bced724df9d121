"""Where tests run what users run: the data-set directories beside a data set of a few random images."""

import re
import shutil
import struct
from pathlib import Path

import torch
from helpers.forks import Fork

from common.running import checkpoint

ROOT = Path(__file__).parents[2]
DIRECTORIES = ["mnist", "fashion_mnist"]  # of images
SMALL = ["num_trials=1", "num_epochs=2", "num_steps=3", "channels=[2,4]", "batch_size=16", "val_fraction=0.25"]
SAVING = """
import os, runpy, sys
sys.path.insert(1, sys.path[0] + "/..")
from common.running import trial
trial.SAVE_SECONDS = -1  # a checkpoint at every step
number, left = (int(part) for part in os.environ.get("KILL", "0 0").split())
replace = os.replace
def count(*arguments):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), number)
    replace(*arguments)
os.replace = count
runpy.run_path("run.py", run_name="__main__")
"""


class Place:
    """A copy of the data-set directories in `root` that shares common/, and data for them: 64 and 20 images.

    Beside run.py lies saving.py: the same with a checkpoint at every step; under KILL="9 5" it gets signal 9
    before its fifth rename of a file.
    """

    def __init__(self, root):
        self.root, self.data, self.old_runs = root, root / "data", ROOT / "tests" / "old_runs"
        (root / "common").symlink_to(ROOT / "common")
        for name in [*DIRECTORIES, "dvs_gesture", "shd", "temporal_coding"]:
            (root / name).mkdir()
            for file in (ROOT / name).glob("*.py"):
                shutil.copy(file, root / name)
            (root / name / "saving.py").write_text(SAVING)
        for name in DIRECTORIES:
            write_images(self.data / name)

    def start(self, directory, *arguments, script="run.py", **environment):
        """A process of `python run.py ...` on one thread."""
        return Fork([script, *arguments], self.root / directory, environment)

    def call(self, directory, *arguments, **others):
        """(exit status, stdout, stderr) of `python run.py ...`."""
        process = self.start(directory, *arguments, **others)
        stdout, stderr = process.communicate()
        return process.returncode, stdout, stderr

    def attempt(self, directory, usual, *arguments, **others):
        """(run directory, exit status, stdout, stderr) of a run with the `usual` arguments but for those given."""
        status, stdout, stderr = self.call(directory, *but_for(usual, arguments), *arguments, **others)
        return self.root / directory / re.search("run directory: (.*)", stdout)[1], status, stdout, stderr

    def small(self, *arguments):
        """The arguments of a small run."""
        return *but_for(SMALL, arguments), f"data_dir={self.data}", *arguments

    def train(self, directory, *arguments, status=0, **others):
        """(the run directory of a small run, its stdout, its stderr)."""
        found, stdout, stderr = self.call(directory, *self.small(*arguments), **others)
        assert found == status, stderr
        return self.root / directory / re.search("run directory: (.*)", stdout)[1], stdout, stderr


def but_for(usual, arguments):
    """The usual arguments whose keys are not given anew."""
    keys = {argument.partition("=")[0] for argument in arguments}
    return [argument for argument in usual if argument.partition("=")[0] not in keys]


def write_images(folder):
    """The four IDX files of a set whose classes are bright in different rows."""
    folder.mkdir(parents=True)
    generator = torch.Generator().manual_seed(5)
    for split, count in (("train", 64), ("t10k", 20)):
        labels = torch.arange(count, dtype=torch.uint8) % 10
        images = torch.randint(0, 256, (count, 28, 28), generator=generator, dtype=torch.uint8)
        for image, label in zip(images, labels.tolist(), strict=True):
            image[2 * label : 2 * label + 6] = 255
        head = struct.pack(">4I", 0x803, count, 28, 28)
        (folder / f"{split}-images-idx3-ubyte").write_bytes(head + images.numpy().tobytes())
        head = struct.pack(">2I", 0x801, count)
        (folder / f"{split}-labels-idx1-ubyte").write_bytes(head + labels.numpy().tobytes())


def weights(path):
    return checkpoint.load(path)["net"]


def equal(state, other):
    return state.keys() == other.keys() and all(torch.equal(state[key], other[key]) for key in state)


def timeless(value):
    """`value` without what may differ: seconds."""
    if isinstance(value, dict):
        return {key: timeless(item) for key, item in value.items() if not str(key).endswith("seconds")}
    return [timeless(item) for item in value] if isinstance(value, list) else value


def check_mistake(message, status, stderr):
    (line,) = [line for line in stderr.splitlines() if not line.startswith("***")]  # which announce the stand-in
    assert status == 2 and line.startswith("run.py: ") and message in line, stderr
