"""The task of spiking at a given step: the output's membrane is to follow a ramp; each trial has one input.

An epoch is INTERVAL iterations.  Mean squared errors (mse) are divided by the square of the ramp's peak, so that cases
with other thresholds compare.
"""

import contextlib
import time

import numpy as np
import torch
from tqdm import tqdm

from common import build
from common.running import record
from common.running import trial as trials
from common.running.signals import stop_hook
from common.tasks.recording import SMOOTHED, Recording
from common.training import loop, losses, monitor

INTERVAL = 100  # iterations from one row of metrics, and one checkpoint, to the next
METRICS = ("final_mse", "best_mse", "mse_last50", "smoothed_mse", "hidden_silent_share", "hidden_firing_rate",
           "spike_share", "first_spike_time")


def check(settings, data):
    """ValueError for another read-out or loss: what is recorded and compared is the membrane."""
    for key, value in (("readout", "membrane"), ("loss", "mse_membrane_loss")):
        if settings[key] != value:
            raise ValueError(f"{key} must be {value!r} in this task, got {settings[key]!r}")


def fit(trial, settings, data, encode, signals):
    """Train to the end, yielding a row of metrics after each epoch, when it is safe on disk; then write traces.npz.

    signals: list that receives a signal's number; then Interrupted is raised; the end of the last epoch is saved.
    """
    progress, net, loss_fn = trial.progress, trial.net, build.loss(settings)
    output = list(net.neurons.values())[-1]
    recorded = progress.recorded or {"membrane": torch.empty(0, settings["num_steps"]), "threshold": torch.empty(0)}

    def first_spike_time(membrane, mask):
        return losses.first_spike_time(membrane > output.threshold)

    with tqdm(total=settings["num_iterations"], initial=progress.iteration, desc=f"trial {trial.number}",
              unit="iteration", leave=False, disable=None) as bar:
        after_step = [*build.clamps_of(settings, net), trials.step_lr(trial), trial.threshold_schedule.step, bar.update,
                      stop_hook(signals)]
        while (left := settings["num_iterations"] - progress.iteration) > 0:
            started = time.monotonic()
            batches = torch.tensor([trial.number]).expand(min(left, INTERVAL - progress.iteration % INTERVAL), 1)
            activity = monitor.Activity(net)
            with _kept(net, output) as kept:
                loop.train_epoch(net, data.train, encode, loss_fn, trial.optimizer, batches, progress, first_spike_time,
                                 [trials.tell_loss(trial), *after_step], clip_grad_norm=settings["clip_grad_norm"],
                                 record=activity)
            recorded = {key: torch.cat([recorded[key], torch.stack(kept[key])]) for key in recorded}
            progress.recorded, progress.epoch_seconds = recorded, time.monotonic() - started
            row = _row(trial, settings, activity.layers())
            progress.end_epoch(row, (-row["train_loss"],))
            trials.save(trial)
            yield row
    _recording(trial, settings).save(trial.path / "traces.npz")


@contextlib.contextmanager
def _kept(net, output):
    """Yields two lists, to which each call of the net adds the output's membrane [T] and its threshold."""
    kept = {"membrane": [], "threshold": []}

    def keep(net, inputs, membrane):
        kept["membrane"].append(membrane.detach()[:, 0, 0].cpu())
        kept["threshold"].append(output.threshold.cpu().clone())

    handle = net.register_forward_hook(keep)
    try:
        yield kept
    finally:
        handle.remove()


def _row(trial, settings, layers):
    """The metrics of the epoch that ends."""
    progress, net = trial.progress, trial.net
    fired = (progress.recorded["membrane"] > progress.recorded["threshold"][:, None])[-progress.num_seen :]
    layers |= {list(net.neurons)[-1]: {"firing_rate": fired.float().mean().item()}}
    return {
        **trials.train_metrics(trial),
        "mse": progress.loss_sum / progress.num_seen / settings["on_target"] ** 2,
        "hit_share": progress.num_correct / progress.num_seen,  # share of iterations whose first spike came in time
        **trials.layer_metrics(net, layers),
        "epoch_seconds": progress.epoch_seconds,
    }


def show(row, settings, net):
    """Print an epoch's line."""
    rates = "  ".join(f"{name} {row[f'firing_rate_{name}']:.3f}" for name in net.neurons)
    print(f"trial {row['trial']}  iteration {row['iteration']}/{settings['num_iterations']}  "
          f"mse / peak² {row['mse']:.4f}  firing rates {rates}  {row['epoch_seconds']:.1f} s", flush=True)


def _recording(trial, settings):
    """The Recording of all iterations so far."""
    membrane, threshold = (trial.progress.recorded[key].numpy() for key in ("membrane", "threshold"))
    ramp = losses.membrane_ramp(torch.tensor([settings["spike_time"]]), settings["num_steps"], settings["on_target"])
    return Recording.of(membrane, threshold, ramp[:, 0, 0].numpy())


def test(trial, settings, data, encode, signals=()):
    """The line of result.json of a finished trial: of its recording, and of the net it ended with."""
    inputs, _ = data.test.batch(torch.tensor([trial.number]))
    activity = monitor.Activity(trial.net, operations=True)
    with torch.no_grad():
        trial.net.eval()(encode(inputs), activity)
    layers, recording = activity.layers(), _recording(trial, settings)
    rates = {name: layer["firing_rate"] for name, layer in layers.items()}
    silent = {name: layer["silent_share"] for name, layer in layers.items()}
    return {
        "seed": trial.seed,
        "num_iterations": trial.progress.iteration,
        **recording.metrics(),
        "hidden_silent_share": float(np.mean(list(silent.values()))),
        "hidden_firing_rate": float(np.mean(list(rates.values()))),
        "firing_rates": rates | {list(trial.net.neurons)[-1]: float(recording.spikes[-1].mean())},
        "silent_share": silent,
        "synaptic_operations": activity.operations_per_sample(),
        "seconds": trial.progress.seconds,
    }


def summary(results, settings):
    """What result.json says over all trials: the mean and standard deviation (n - 1) of each of METRICS."""
    found = {"case": settings["case"]}
    for name in METRICS:
        found |= record.mean_std(name, [result[name] for result in results if result[name] is not None])
    return found


def conclude(result):
    """The result in a line."""
    mse = record.with_spread(result["mse_last50_mean"], result["mse_last50_std"], ".4f")
    first = f", the first at step {result['first_spike_time_mean']:g} (median)" if result["spike_share_mean"] else ""
    return (f"mse / peak² of the last 50 iterations {mse} (n = {len(result['trials'])}); "
            f"an output spike in {result['spike_share_mean']:.0%} of the last 100{first}")


def draw(path, settings, data, net, encode, result):
    """figures/: a trial's four panels, its loss, its membrane as videos, plain and smoothed, and as a page to scrub.

    That is the first of the result's, as a rule trial 0.
    """
    from common.plots import animation, timing

    found = Recording.read(path / f"trial_{record.numbers(result, settings)[0]}" / "traces.npz")
    case, num_frames = settings["case"], settings["num_frames"]
    figures = {"spike_timing.png": lambda: timing.spike_timing(found, title=case),
               "loss.png": lambda: timing.loss_curve(found)}
    if num_frames:
        figures |= {
            "membrane.mp4": lambda: timing.animate(found, num_frames, 1, case),
            "membrane_smoothed.mp4": lambda: timing.animate(found, num_frames, SMOOTHED, case),
            "membrane.html": lambda: timing.animate(found, (num_frames + 1) // 2, title=case)}
    return animation.save_each(figures, path / "figures")


def compare(runs):
    """Print the metrics of `runs` {case: run directory}."""
    results = {case: record.read_result(run) for case, run in runs.items()}
    print(f"{'case':15}" + "".join(f"{name.replace('_', ' '):>21}" for name in METRICS))
    for case, result in results.items():
        means = [result[f"{name}_mean"] for name in METRICS]
        print(f"{case:15}" + "".join(f"{'–' if mean is None else f'{mean:.4g}':>21}" for mean in means))


def draw_cases(path, runs):
    """path/figures: the first trials of `runs` {case: run directory} side by side."""
    from common.plots import animation, timing

    found = {case: Recording.read(run / f"trial_{min(record.survivors(record.read_result(run)))}" / "traces.npz")
             for case, run in runs.items()}
    num_frames = min(record.read_config(run)["settings"]["num_frames"] for run in runs.values())
    figures = {"cases.png": lambda: timing.compare(found), "losses.png": lambda: timing.compare_losses(found)}
    if num_frames:
        figures |= {"cases.mp4": lambda: timing.animate_cases(found, num_frames),
                    "cases_smoothed.mp4": lambda: timing.animate_cases(found, num_frames, SMOOTHED)}
    return animation.save_each(figures, path / "figures")
