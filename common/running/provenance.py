"""Where a run comes from: the command, the code's commit, the packages' versions and the machine."""

import platform
import shlex
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path

import torch

PACKAGES = ("torch", "numpy", "numba", "snntorch", "tonic", "h5py")


def provenance(device):
    """For config.json: the command, the code's commit, the packages' versions and the machine that made a run."""
    threads = torch.get_num_threads()
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device}, {threads} thread(s)"
    installed = {package.name for package in metadata.distributions()}
    commit = _commit()
    return {
        "command": shlex.join(["python", *sys.argv]),
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "git_commit": commit,
        "git_dirty": bool(commit and _git("status", "--porcelain")),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in PACKAGES if name in installed},
        "device": name,
        "threads": threads,
        "platform": platform.platform(),
    }


def changes():
    """What the code has that its commit has not: git's status and diff; "" if that is nothing, or without a commit."""
    status = _git("status", "--porcelain") if _commit() else ""
    return f"{status}\n\n{_git('diff', 'HEAD')}\n" if status else ""


def _commit():
    """The code's commit; None of a copy of these files that lies in another repository, kept by it or not."""
    prefix, _, commit = _git("rev-parse", "--show-prefix", "HEAD").partition("\n")
    return commit if prefix == "common/running/" and _git("ls-files", Path(__file__).name) else None


def _git(*arguments):
    """What git says in the folder of this file; "" if there is no git or no repository."""
    folder = Path(__file__).resolve().parent
    try:
        git = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return git.stdout.strip() if git.returncode == 0 else ""
