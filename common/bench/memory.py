"""What training by segments of time costs and saves: peak memory and time of a step against the number of steps.

    python -m common.bench.memory            # from the repository's root; Linux

Each figure is of a process of its own, on one thread. Peak memory is that of two steps, less what the process held
after a step over four steps of time and with its inputs made.
"""

import argparse
import statistics
import subprocess
import sys
import time
from math import isqrt

import torch
from torch.nn import functional as F

from common.bench.measure import peak_of
from common.bench.workloads.shd import random_events
from common.bench.workloads.step import training_step
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP
from common.neurons import LeakyIntegrator, SynapticLIF
from common.running import allocator
from common.surrogate import FastSigmoid
from common.training.losses import mse_count_loss
from common.training.segments import in_segments

NUM_STEPS, BATCH, REPEATS = (100, 400, 1600), 16, 3


def dvs_convnet(num_steps, segment):
    """A step of the binarized convnet of dvs_gesture/conf.py, without dropout."""
    net = ConvNet((2, 32, 32), 11, [16, 32], 0.9297, [10.4, 16.62, 6.81], FastSigmoid(0.24), 0.0, binarize=True,
                  batch_norm=False)
    net, frames, target = in_segments(net, segment), torch.empty(num_steps, BATCH, 2, 32, 32), torch.arange(BATCH) % 11
    torch.rand(frames.shape, out=frames).mul_(3).floor_()
    optimizer = torch.optim.Adam(net.parameters(), 1.765e-3)
    return training_step(optimizer, lambda: mse_count_loss(net(frames), target))


def shd_lif(num_steps, segment):
    """A step of the net of LIF neurons of shd/conf.py, 700-128-128-128-20, on events."""
    times = {"tau_syn": 0.02, "tau_mem": 0.02, "dt": 0.001}
    neurons = [SynapticLIF(**times, surrogate=FastSigmoid(100.0)) for _ in range(3)]
    net = in_segments(MLP([700, 128, 128, 128, 20], neurons, LeakyIntegrator(**times), binarized=False), segment)
    events, target = random_events(num_steps, BATCH), torch.arange(BATCH) % 20
    optimizer = torch.optim.Adamax(net.parameters(), 1e-3)
    return training_step(optimizer, lambda: F.cross_entropy(net(events).mean(0), target))


NETS = {"dvs_convnet": dvs_convnet, "shd_lif": shd_lif}


def memory_against_steps(nets=tuple(NETS), num_steps=NUM_STEPS):
    """Yield (net, steps T, steps of a segment or 0, peak MB, median seconds of a step), whole and by sqrt(T)."""
    for name in nets:
        for steps in num_steps:
            for segment in (0, isqrt(steps)):
                command = [sys.executable, "-m", "common.bench.memory", "--one", name, str(steps), str(segment)]
                figures = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
                yield name, steps, segment, *map(float, figures)


def measure(name, num_steps, segment):
    """(peak MB, median seconds) of a step in this process."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    NETS[name](4, min(segment, 2))()
    step, taken = NETS[name](num_steps, segment), []
    peak = peak_of(step)
    for _ in range(REPEATS):
        start = time.perf_counter()
        step()
        taken.append(time.perf_counter() - start)
    return peak, statistics.median(taken)


def main():
    allocator.keep_freed_memory()
    parser = argparse.ArgumentParser(prog="python -m common.bench.memory", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    if one := parser.parse_args().one:
        print(*measure(one[0], *map(int, one[1:])))
        return
    print("| net, batch of 16 | steps | checkpoint_steps | peak, MB | step, ms |\n|---|---|---|---|---|")
    for name, steps, segment, peak, seconds in memory_against_steps():
        print(f"| {name} | {steps} | {segment} | {peak:.0f} | {1000 * seconds:.0f} |", flush=True)


if __name__ == "__main__":
    main()
