"""Step times and peak memory of our layers and nets beside a peer's, on this machine.

The peer is plain snntorch, for SPSN's neurons and for the ResNet the way their own code computes, and for the PLIF
net SpikingJelly: see common/peers.py, peers_resnet.py and peers_plif.py.

    python -m common.bench                # from the repository's root
    python -m common.bench spike          # the workloads whose name has this word
    python -m common.bench --quick        # fewer repetitions
    python -m common.bench --threads 2    # default: 1, the steadier figure

Both start from the same weights and data and are timed in turns in one process; the table gives medians
and their ratio. A step is forward, loss, backward and, for a net, the optimizer. Peak memory is that of
a step in a process of its own, less what the process held after its imports and a tiny first step.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

import snntorch
import torch
from tqdm import tqdm

from common.workloads import WORKLOADS


def times(steps, repeats):
    """Median seconds of each step, run in turns."""
    taken = {name: [] for name in steps}
    for _ in range(repeats + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(seconds[1:]) for name, seconds in taken.items()}  # the first one warms up


def peak_memory(workload, side, threads):
    """MB that one step takes at its peak, in a new process."""
    command = [sys.executable, "-m", "common.bench", "--peak", workload, side, "--threads", str(threads)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def print_peak(workload, side):
    make, sizes, tiny = WORKLOADS[workload]
    make(**tiny)[side]()
    step = make(**sizes)[side]
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
    for _ in range(2):
        step()
    print(resident("VmHWM") - before)


def resident(field):
    """MB that the process holds (VmRSS) or has held at its peak (VmHWM); Linux."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="?", default="", help="only workloads whose name has it")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="three repetitions instead of eleven")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.peak:
        print_peak(*options.peak)
        return
    print("| workload | peer, ms | ours, ms | ratio | peer, peak MB | ours, peak MB | share "
          "| spikes or first loss, peer / ours |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    chosen = {name: workload for name, workload in WORKLOADS.items() if options.word.lower() in name.lower()}
    if not chosen:
        parser.error(f"no workload has {options.word!r} in its name; there are: {'; '.join(WORKLOADS)}")
    for name, (make, sizes, _) in tqdm(chosen.items(), desc="bench", leave=False, disable=None):
        try:
            steps = make(**sizes)
        except ModuleNotFoundError as error:
            print(f"| {name} | {error.name} is not installed: see requirements-dev.txt" + " |" * 7, flush=True)
            continue
        losses = " / ".join(f"{steps[side]().sum().item():.6g}" for side in ("peer", "ours"))
        seconds = times(steps, 3 if options.quick else 11)
        memory = {side: peak_memory(name, side, options.threads) for side in steps}
        print(f"| {name} | {seconds['peer'] * 1e3:.1f} | {seconds['ours'] * 1e3:.1f} "
              f"| {seconds['peer'] / seconds['ours']:.1f}× | {memory['peer']:.0f} | {memory['ours']:.0f} "
              f"| {memory['ours'] / memory['peer']:.2f} | {losses} |", flush=True)  # fmt: skip
    print(f"\n{options.threads} thread(s), torch {torch.__version__}, snntorch {snntorch.__version__}; "
          "medians, in turns in one process")  # fmt: skip


if __name__ == "__main__":
    main()
