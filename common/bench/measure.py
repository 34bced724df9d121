"""Time and memory of a step."""

import subprocess
import sys
import time
from pathlib import Path


def times(steps, repeats, budget):
    """Seconds of each step {name: callable}, run in turns: {name: list of `repeats`}; they should be warm.

    Three repetitions are enough once they have taken `budget` seconds.
    """
    taken = {name: [] for name in steps}
    began = time.perf_counter()
    for num_done in range(repeats):
        if num_done >= 3 and time.perf_counter() - began > budget:
            break
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            taken[name].append(time.perf_counter() - start)
    return taken


def peak(workload, side, threads):
    """MB that one step of a workload takes at its peak, in a new process."""
    command = [sys.executable, "-m", "common.bench", "--peak", workload, side, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def own_peak(workload, side):
    """MB that one step takes at its peak, in this process."""
    workload.steps(**workload.sizes | workload.tiny)[side]()
    return peak_of(workload.steps(**workload.sizes)[side])


def peak_of(step):
    """MB that `step` takes at its peak, in this process."""
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    for _ in range(2):
        step()
    return resident("VmHWM") - before


def resident(field):
    """MB that the process holds (VmRSS) or has held at its peak (VmHWM); Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024
