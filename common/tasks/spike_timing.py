"""The task of spiking at a given step: one input per trial, the output's membrane held to a ramp, every step traced.

An epoch is INTERVAL iterations. Mean squared errors (mse) are divided by the square of the ramp's peak,
so that cases with other thresholds compare.
"""

import time

import numpy as np
import torch
from tqdm import tqdm

from common import build
from common.running import record
from common.running import trial as trials
from common.running.signals import stop_hook
from common.tasks import traces
from common.training import loop, losses, monitor

INTERVAL = 100   # iterations from one row of metrics, and one checkpoint, to the next
MERITS = ("final_mse", "best_mse", "mse_last50", "smoothed_mse", "hidden_silent_share", "hidden_firing_rate",
          "spike_share", "first_spike_time")  # fmt: skip


def check(settings, data):
    """ValueError for another read-out or loss: what is traced and judged is the membrane."""
    for key, value in (("readout", "membrane"), ("loss", "mse_membrane_loss")):
        if settings[key] != value:
            raise ValueError(f"{key} must be {value!r} in this task, got {settings[key]!r}")


def fit(trial, settings, data, encode, signals):
    """Train to the end, yielding a row of metrics after each epoch, when it is safe on disk; then write traces.npz.

    signals: list that receives a signal's number; then Interrupted is raised, and the last epoch's end stands.
    """
    progress, loss_fn, stop = trial.progress, build.loss(settings), stop_hook(signals)
    progress.setdefault("membrane", torch.empty(0, settings["num_steps"]))
    progress.setdefault("threshold", torch.empty(0))
    with _bar(trial, settings) as bar:
        after_step = [trials.step_lr(trial), trial.threshold_schedule.step, bar.update, stop]
        while (left := settings["num_iterations"] - progress["iteration"]) > 0:
            started = time.monotonic()
            num_steps = min(left, INTERVAL - progress["iteration"] % INTERVAL)
            batches = torch.tensor([trial.number]).expand(num_steps, 1)
            activity = monitor.Activity(trial.net)
            with _Recording(trial.net) as recording:
                loop.train_epoch(trial.net, data.train, encode, loss_fn, trial.optimizer, batches, progress,
                                 _first_spike_time(trial.net), after_step, record=activity)
            for key in ("membrane", "threshold"):
                progress[key] = torch.cat([progress[key], torch.stack(getattr(recording, key))])
            progress["epoch_seconds"] = time.monotonic() - started
            row = _row(trial, settings, activity.layers())
            loop.end_epoch(progress, row, (-row["train_loss"],))
            trials.save(trial)
            yield row
    traces.save(_traces(trial, settings), trial.path / "traces.npz")


class _Recording:
    """Keeps the output's membrane and threshold at every call of a net, for as long as a context lasts."""

    def __init__(self, net):
        self.net, self.membrane, self.threshold = net, [], []

    def __enter__(self):
        self.handle = self.net.register_forward_hook(self.keep)
        return self

    def keep(self, net, inputs, membrane):
        self.membrane.append(membrane.detach()[:, 0, 0].cpu())
        self.threshold.append(_output(net).threshold.cpu().clone())

    def __exit__(self, *_):
        self.handle.remove()


def _output(net):
    return list(net.neurons.values())[-1]


def _first_spike_time(net):
    return lambda membrane, mask: losses.first_spike_time(membrane > _output(net).threshold)


def _bar(trial, settings):
    return tqdm(total=settings["num_iterations"], initial=trial.progress["iteration"], desc=trial.path.name,
                unit="iteration", leave=False, disable=None)  # fmt: skip


def _row(trial, settings, layers):
    """The metrics of the epoch that ends."""
    progress, net = trial.progress, trial.net
    fired = (progress["membrane"] > progress["threshold"][:, None])[-progress["num_seen"] :]
    layers |= {list(net.neurons)[-1]: {"firing_rate": fired.float().mean().item()}}
    return {
        **trials.train_metrics(trial),
        "mse": progress["loss_sum"] / progress["num_seen"] / settings["on_target"] ** 2,
        "hit_share": progress["num_correct"] / progress["num_seen"],  # of iterations whose first spike was in time
        **trials.layer_metrics(net, layers),
        "epoch_seconds": progress["epoch_seconds"],
    }


def show(row, settings, net):
    """Print an epoch's line."""
    rates = "  ".join(f"{name} {row[f'firing_rate_{name}']:.3f}" for name in net.neurons)
    print(f"trial {row['trial']}  iteration {row['iteration']}/{settings['num_iterations']}  "
          f"mse / peak² {row['mse']:.4f}  firing rates {rates}  {row['epoch_seconds']:.1f} s", flush=True)  # fmt: skip


def _traces(trial, settings):
    membrane, threshold = (trial.progress[key].numpy() for key in ("membrane", "threshold"))
    ramp = losses.membrane_ramp(torch.tensor([settings["spike_time"]]), settings["num_steps"], settings["on_target"])
    return traces.of(membrane, threshold, ramp[:, 0, 0].numpy())


def test(trial, settings, data, encode, signals=()):
    """Judge the traces of a finished trial, and the net it ended with; the trial's line of result.json."""
    inputs, _ = data.test.batch(torch.tensor([trial.number]))
    activity = monitor.Activity(trial.net, operations=True)
    with torch.no_grad():
        trial.net.eval()(encode(inputs), activity)
    layers, found = activity.layers(), _traces(trial, settings)
    rates = {name: layer["firing_rate"] for name, layer in layers.items()}
    silent = {name: layer["silent_share"] for name, layer in layers.items()}
    return {
        "seed": trial.seed,
        "num_iterations": trial.progress["iteration"],
        **traces.merits(found),
        "hidden_silent_share": float(np.mean(list(silent.values()))),
        "hidden_firing_rate": float(np.mean(list(rates.values()))),
        "firing_rates": rates | {list(trial.net.neurons)[-1]: float(found.spikes[-1].mean())},
        "silent_share": silent,
        "synaptic_operations": activity.operations_per_sample(),
        "seconds": trial.progress["seconds"],
    }


def summary(results, settings):
    """What result.json says over all trials: the mean and standard deviation (n - 1) of every merit."""
    known = {name: [result[name] for result in results if result[name] is not None] for name in MERITS}
    return {"case": settings["case"], **{key: value for name, values in known.items()
                                         for key, value in record.mean_std(name, values).items()}}  # fmt: skip


def conclude(result):
    """The result in a line."""
    spread = f" ± {result['mse_last50_std']:.4f}" if result["num_trials"] > 1 else ""
    first = f", the first at step {result['first_spike_time_mean']:g} (median)" if result["spike_share_mean"] else ""
    return (f"mse / peak² of the last 50 iterations {result['mse_last50_mean']:.4f}{spread} "
            f"over {result['num_trials']} trial(s); "
            f"an output spike in {result['spike_share_mean']:.0%} of the last 100{first}")


def draw(path, settings, data, net, encode, result):
    """figures/: trial 0's four panels, its loss, its membrane as videos, plain and smoothed, and as a page to scrub."""
    from common.plots import animation, style, timing

    found, figures = traces.read(path / "trial_0" / "traces.npz"), path / "figures"
    case, num_frames = settings["case"], settings["num_frames"]
    style.save(timing.spike_timing(found, title=case), figures / "spike_timing.png")
    style.save(timing.loss_curve(found), figures / "loss.png")
    if num_frames:
        for name, window in (("membrane", 1), ("membrane_smoothed", traces.SMOOTHED)):
            animation.save_animation(timing.animate(found, num_frames, window, case), figures / f"{name}.mp4")
        animation.save_page(timing.animate(found, (num_frames + 1) // 2, title=case), figures / "membrane.html")


def compare(path, runs):
    """Print the merits of `runs` {case: run directory} and draw their first trials side by side in path/figures."""
    from common.plots import animation, style, timing

    results = {case: record.read_result(run) for case, run in runs.items()}
    print(f"{'case':15}" + "".join(f"{name.replace('_', ' '):>21}" for name in MERITS))
    for case, result in results.items():
        print(f"{case:15}" + "".join(f"{_number(result[f'{name}_mean']):>21}" for name in MERITS))
    found = {case: traces.read(run / "trial_0" / "traces.npz") for case, run in runs.items()}
    num_frames = min(record.read_config(run)["settings"]["num_frames"] for run in runs.values())
    figures = path / "figures"
    style.save(timing.compare(found), figures / "cases.png")
    style.save(timing.compare_losses(found), figures / "losses.png")
    if num_frames:
        for name, window in (("cases", 1), ("cases_smoothed", traces.SMOOTHED)):
            film = timing.animate_cases(found, num_frames, window)
            animation.save_animation(film, figures / f"{name}.mp4")


def _number(value):
    return "–" if value is None else f"{value:.4g}"
