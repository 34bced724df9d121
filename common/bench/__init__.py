"""Step times and peak memory of our layers and nets beside a peer's, on this machine, and the machine's own limits.

The peer is plain snntorch, for SPSN's neurons and for the ResNet the way their own code computes, and for the PLIF
net SpikingJelly: see common/bench/peers/.

    python -m common.bench                     # from the repository's root
    python -m common.bench W4                  # the workloads whose name has this word
    python -m common.bench --quick             # smaller sizes, fewer repetitions, no memory
    python -m common.bench --threads 2         # default: 1, the steadier figure
    python -m common.bench --json bench.json   # all that was measured, with commit and versions
    python -m common.bench W8 --plot bench.png # also linear and LIF over steps, batch and width, drawn

Both start from the same weights and data and are timed in turns in one process; the table gives medians
and their ratio. A step is forward, loss, backward and, for a net, the optimizer. Peak memory is that of
a step in a process of its own, less what the process held after its imports and a tiny first step.

A limit is the time in which this machine could do a step's products of weights, at the speed of its own matrix
product, or move its bytes: "dense" all products, "least" only those without a 0 of the data or of a spike, a lower
bound; see workloads/counts.py. "Reached" is a limit over our time: above 100 % of dense, zeros are skipped.
"""

import argparse
import shlex
import statistics
import sys
from importlib import metadata
from pathlib import Path

import torch
from tqdm import tqdm

from common.bench import limits, measure, sweep, table
from common.bench.workloads import WORKLOADS
from common.running import allocator, record


def main(arguments=None):
    parser = _parser()
    options = parser.parse_args(arguments)
    allocator.keep_freed_memory()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    if options.peak:
        print(measure.own_peak(WORKLOADS[options.peak[0]], options.peak[1]))
        return
    chosen = {name: work for name, work in WORKLOADS.items() if options.word.lower() in name.lower()}
    if not chosen:
        parser.error(f"no workload has {options.word!r} in its name; there are: {'; '.join(WORKLOADS)}")
    content = _provenance() | {"quick": options.quick, "workloads": {}}
    try:
        _write(options.json, content)
        if options.plot:
            options.plot.touch()
    except OSError as error:
        parser.error(error)
    try:
        content["limits"] = limits.measured()
        print(table.HEADER, flush=True)
        for name in tqdm(chosen, desc="bench", leave=False, disable=None):
            content["workloads"][name] = _measured(name, content["limits"], options)
            _write(options.json, content)
            tqdm.write(table.row(name, content["workloads"][name]), file=sys.stdout)
            sys.stdout.flush()
        if options.plot:
            content["sweep"] = sweep.measured()
            _write(options.json, content)
            _draw(content["sweep"], options.plot)
    except KeyboardInterrupt:
        sys.exit("stopped: the rows above are whole")
    finally:
        if "limits" in content:
            print("\n" + table.footer(content))


def _parser():
    parser = argparse.ArgumentParser(prog="python -m common.bench", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("word", nargs="?", default="", help="only workloads whose name has it")
    parser.add_argument("--threads", type=_count, default=1)
    parser.add_argument("--quick", action="store_true", help="heavy workloads smaller, three repetitions, no memory")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured there")
    parser.add_argument("--plot", type=_image, metavar="FILE", help="draw time over steps, batch and width there")
    parser.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    return parser


def _count(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text} must be a whole number from 1")
    return int(text)


def _image(text):
    if Path(text).suffix not in (".png", ".pdf", ".svg"):
        raise argparse.ArgumentTypeError(f"{text} must end in .png, .pdf or .svg")
    return Path(text)


def _measured(name, machine, options):
    """What one workload takes, and what it needs at least: its entry in the JSON file."""
    workload = WORKLOADS[name]
    sizes = workload.sizes | (workload.quick if options.quick else {})
    result = {"sizes": sizes, "reduced": workload.quick if options.quick else {}}
    try:
        steps = workload.steps(**sizes)
    except ModuleNotFoundError as error:
        return result | {"missing": error.name.partition(".")[0]}
    first = {side: steps[side]().sum().item() for side in ("peer", "ours")}  # which also warms up
    seconds = measure.times(steps, *((3, 0) if options.quick else (11, 20)))
    memory = {} if options.quick else {side: measure.peak(name, side, options.threads) for side in steps}
    return result | {
        "first": first,
        "seconds": seconds,
        "median_seconds": {side: statistics.median(values) for side, values in seconds.items()},
        "peak_mb": memory,
        "count": workload.count(**sizes)._asdict(),
        "limit_seconds": limits.seconds(workload.count(**sizes), machine, workload.precision),
    }


def _provenance():
    content = record.provenance(torch.device("cpu"))
    content["command"] = shlex.join(["python", "-m", "common.bench", *sys.argv[1:]])
    installed = {package.name for package in metadata.distributions()}
    if "spikingjelly" in installed:
        content["versions"]["spikingjelly"] = metadata.version("spikingjelly")
    return content


def _draw(result, path):
    from common.bench import plot
    from common.plots import style

    style.save(plot.sweep(result), path)


def _write(path, content):
    if path:
        record.write_json(path, content)
