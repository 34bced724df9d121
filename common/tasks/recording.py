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
class Recording:
    """The output neuron over I iterations of T time steps.

    membrane: float32 [I, T], before the reset.  spikes: bool [I, T].  threshold: [I], the neuron's own.
    target: [T], the ramp.  loss: [I], mean squared error of the membrane.
    """

    membrane: np.ndarray
    spikes: np.ndarray
    threshold: np.ndarray
    target: np.ndarray
    loss: np.ndarray

    @classmethod
    def of(cls, membrane, threshold, target):
        loss = np.square(membrane - target, dtype=float).mean(1)
        return cls(membrane, membrane > threshold[:, None], threshold, target, loss)

    @classmethod
    def read(cls, path):
        """What `save` wrote; UserError if the file is missing or damaged."""
        try:
            with np.load(path) as arrays:
                found = cls(**arrays)
            if not len(found.membrane) == len(found.spikes) == len(found.threshold) == len(found.loss):
                raise ValueError("its arrays differ in length")
            return found
        except (OSError, ValueError, EOFError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(f"{path} is damaged or missing: {error}") from error

    def save(self, path):
        """Write it to `path`, an .npz, whole or not at all."""
        content = io.BytesIO()
        np.savez_compressed(content, **asdict(self))
        write(path, content.getbuffer())

    def metrics(self):
        """How near the membrane came to the ramp, and when the neuron spiked.

        final_mse, best_mse, mse_last50 (mean of the last 50 iterations), smoothed_mse (of the membrane averaged over
        the last SMOOTHED): divided by the square of the ramp's peak.  spike_share: the fraction of the last 100
        iterations with a spike.  first_spike_time: the median step of their first spikes, None if there is none.
        """
        peak = self.target.max()
        mse = self.loss / peak**2
        smoothed = self.membrane[-SMOOTHED:].mean(0, dtype=float)
        spikes = self.spikes[-100:]
        fired = spikes.any(1)
        return {
            "final_mse": float(mse[-1]),
            "best_mse": float(mse.min()),
            "mse_last50": float(mse[-50:].mean()),
            "smoothed_mse": float(np.square((smoothed - self.target) / peak).mean()),
            "spike_share": float(fired.mean()),
            "first_spike_time": float(np.median(spikes[fired].argmax(1))) if fired.any() else None,
        }
