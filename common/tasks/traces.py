"""What the output neuron of the spike-timing task did at every training iteration."""

import io
import zipfile
import zlib
from dataclasses import asdict, dataclass

import numpy as np

from common.atomic import write
from common.errors import UserError

SMOOTHED = 5  # iterations that the smoothed membrane averages


@dataclass
class Traces:
    """membrane: float32 [I, T], potential before the reset.  spikes: bool [I, T].  threshold: [I], the neuron's own.
    target: [T], the ramp.  loss: [I], mean squared error.  I iterations, T steps."""

    membrane: np.ndarray
    spikes: np.ndarray
    threshold: np.ndarray
    target: np.ndarray
    loss: np.ndarray


def of(membrane, threshold, target):
    """The Traces of a membrane [I, T], its thresholds [I] and its target [T]."""
    loss = np.square(membrane - target, dtype=float).mean(1)
    return Traces(membrane, membrane > threshold[:, None], threshold, target, loss)


def save(traces, path):
    """Write them to `path`, an .npz, whole or not at all."""
    content = io.BytesIO()
    np.savez_compressed(content, **asdict(traces))
    write(path, content.getbuffer())


def read(path):
    """The Traces that `save` wrote; UserError if the file is missing or damaged."""
    try:
        with np.load(path) as arrays:
            found = Traces(**arrays)
        if not len(found.membrane) == len(found.spikes) == len(found.threshold) == len(found.loss):
            raise ValueError("its arrays differ in length")
        return found
    except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise UserError(f"{path} is damaged or missing: {error}") from error


def merits(traces):
    """How near the output came to the ramp, and when it spiked.

    final_mse, best_mse, mse_last50 (mean of the last 50 iterations), smoothed_mse (of the membrane averaged over the
    last SMOOTHED): over the square of the ramp's peak.  spike_share: of the last 100 iterations, those with
    an output spike.  first_spike_time: the median step of its first, None if there is none.
    """
    peak = traces.target.max()
    mse = traces.loss / peak**2
    smoothed = traces.membrane[-SMOOTHED:].mean(0, dtype=float)
    spikes = traces.spikes[-100:]
    fired = spikes.any(1)
    return {
        "final_mse": float(mse[-1]),
        "best_mse": float(mse.min()),
        "mse_last50": float(mse[-50:].mean()),
        "smoothed_mse": float(np.square((smoothed - traces.target) / peak).mean()),
        "spike_share": float(fired.mean()),
        "first_spike_time": float(np.median(spikes[fired].argmax(1))) if fired.any() else None,
    }
