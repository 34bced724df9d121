"""Step times and peak memory of our layers and nets beside snntorch's, on this machine.

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
from snntorch import surrogate
from tqdm import tqdm

from common.data.synthetic import bernoulli_train
from common.encode import constant_current
from common.losses import mse_count_loss, mse_membrane_loss
from common.nets.convnet import ConvNet
from common.nets.mlp import ThaMLP
from common.neurons import LIF
from common.peers import SnntorchConvNet, SnntorchMLP
from common.surrogate import FastSigmoid


def lif_layer(num_steps=100, num_neurons=32768):
    """One LIF layer on a random current: forward and backward."""
    current = torch.rand(num_steps, 1, num_neurons, requires_grad=True)
    gradient = torch.randn_like(current)
    ours = LIF(0.9, 1.0, FastSigmoid(10.0))
    theirs = snntorch.Leaky(0.9, threshold=1.0, spike_grad=surrogate.fast_sigmoid(slope=10))

    def step_by_step(current):
        membrane, spikes = theirs.init_leaky(), []
        for x in current.unbind(0):
            spike, membrane = theirs(x, membrane)
            spikes.append(spike)
        return torch.stack(spikes)

    def stepper(layer):
        def step():
            current.grad = None
            spikes = layer(current)
            spikes.backward(gradient)
            return spikes.detach()

        return step

    return {"ours": stepper(ours), "snntorch": stepper(step_by_step)}


def mnist_annealing(num_steps=100, batch_size=128):
    """W1: MNIST threshold annealing, the binarized convnet of mnist/conf.py without dropout."""
    beta, slope, thresholds = 0.99, 10.22, [11.666, 14.105, 0.6656]
    image = torch.rand(batch_size, 1, 28, 28) * (torch.rand(batch_size, 1, 28, 28) < 0.2)
    target = torch.arange(batch_size) % 10
    ours = ConvNet((1, 28, 28), 10, [16, 64], beta, thresholds, FastSigmoid(slope), 0.0, binarize=True)
    peer = SnntorchConvNet(num_steps, [16, 64], 1024, 10, beta, slope, thresholds, 0.0, binarize=True)
    peer.take_weights(ours)

    sequence = constant_current(image, num_steps)

    def stepper(net, x):
        return training_step(torch.optim.Adam(net.parameters(), 9.97e-3), lambda: mse_count_loss(net(x), target))

    return {"ours": stepper(ours, sequence), "snntorch": stepper(peer, image)}


def spike_timing(num_steps=100, num_hidden=1000, num_iterations=10):
    """W7: iterations of temporal_coding/conf.py, annealed case, its threshold as at the start; the first one's loss.

    Several in a row, as they come while training: one of ours alone would mostly wait for what snntorch's pushed
    out of the caches.
    """
    sizes, beta, slope, thresholds = [100, num_hidden, 1], 0.15, 5.0, [5.0, 5.0]
    ours = ThaMLP(sizes, beta, thresholds, FastSigmoid(slope), [0.0, 0.0], binarized=True, readout="membrane")
    peer = SnntorchMLP(sizes, beta, slope, thresholds, binarize=True).take_weights(ours)
    sequence, target = bernoulli_train(num_steps, 100, seed=0)[:, None], torch.tensor([num_steps * 3 // 4])

    def stepper(net):
        optimizer = torch.optim.SGD(net.parameters(), 1e-3, 0.9)
        step = training_step(optimizer, lambda: mse_membrane_loss(net(sequence), target, on_target=55.0))
        return lambda: [step() for _ in range(num_iterations)][0]

    return {"ours": stepper(ours), "snntorch": stepper(peer)}


def training_step(optimizer, loss_fn):
    def step():
        loss = loss_fn()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


# name -> (function, sizes, a tiny case that loads every kernel)
WORKLOADS = {
    "LIF layer, T 100 × 32,768": (lif_layer, {}, {"num_steps": 2, "num_neurons": 8}),
    "MNIST annealing, B 128, T 100, binarized": (mnist_annealing, {}, {"num_steps": 2, "batch_size": 2}),
    "spike timing 100-1000-1, T 100, binarized, 10 iterations": (
        spike_timing, {}, {"num_steps": 2, "num_hidden": 4, "num_iterations": 1}),
}


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
    print("| workload | snntorch, ms | ours, ms | ratio | snntorch, peak MB | ours, peak MB | share "
          "| spikes or first loss, snntorch / ours |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|")
    chosen = {name: workload for name, workload in WORKLOADS.items() if options.word.lower() in name.lower()}
    if not chosen:
        parser.error(f"no workload has {options.word!r} in its name; there are: {'; '.join(WORKLOADS)}")
    for name, (make, sizes, _) in tqdm(chosen.items(), desc="bench", leave=False, disable=None):
        steps = make(**sizes)
        losses = " / ".join(f"{steps[side]().sum().item():.6g}" for side in ("snntorch", "ours"))
        seconds = times(steps, 3 if options.quick else 11)
        memory = {side: peak_memory(name, side, options.threads) for side in steps}
        print(f"| {name} | {seconds['snntorch'] * 1e3:.1f} | {seconds['ours'] * 1e3:.1f} "
              f"| {seconds['snntorch'] / seconds['ours']:.1f}× | {memory['snntorch']:.0f} | {memory['ours']:.0f} "
              f"| {memory['ours'] / memory['snntorch']:.2f} | {losses} |", flush=True)  # fmt: skip
    print(f"\n{options.threads} thread(s), torch {torch.__version__}, snntorch {snntorch.__version__}; "
          "medians, in turns in one process")  # fmt: skip


if __name__ == "__main__":
    main()
