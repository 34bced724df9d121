"""Random changes of spoken digits, in time and over the channels."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class SpokenDigitsAugmentation:
    """A random change of each sample, each time it is asked for, drawn from torch's global generator.

        time <- (1 + a) time,  channel <- round(middle + (1 + c) (channel - middle)) + k

    with a ~ U(-scale_time, scale_time), c ~ U(-scale_channels, scale_channels), or both from one draw with
    `scale_together`, and k any whole number up to shift * num_units either way.  All in [0, 1).
    Unlike an affine transform of the dense image, it keeps the number of events (but for those that leave the
    channels), where an image is resampled and they grow with its area; and time is scaled from the onset, with the
    sample's length, where an image is scaled about its middle and cut to its old length.
    Source: NECOTIS/Stochastic-Parallelizable-Spiking-Neuron-SPSN@c46d169, shift .1 and scales of .3 together.
    """

    shift: float = 0.0
    scale_time: float = 0.0
    scale_channels: float = 0.0
    scale_together: bool = False

    def __post_init__(self):
        for key in ("shift", "scale_time", "scale_channels"):
            if not 0 <= getattr(self, key) < 1:
                raise ValueError(f"{key} must lie in [0, 1), got {getattr(self, key)}")

    def draw(self, num_samples, num_units):
        """Return (factors of time, factors of the channels, shifts of the channels), each float64 [num_samples]."""
        swing = 2 * torch.rand(2, num_samples, dtype=torch.float64) - 1
        limit = round(self.shift * num_units)
        shifts = torch.randint(-limit, limit + 1, (num_samples,)).double()
        channel_swing = swing[0] if self.scale_together else swing[1]
        return 1 + self.scale_time * swing[0], 1 + self.scale_channels * channel_swing, shifts
