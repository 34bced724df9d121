"""Spike functions: a Heaviside step forwards, a smooth derivative ds/du backwards.

Each is a small value object, so that the plain loop can differentiate through it and a fused
kernel can read its kind and its numbers. `distance` is u - theta, the membrane potential
above the firing threshold.
"""

import math
from dataclasses import dataclass

import torch
from torch import nn

from common.choices import POSITIVE, Choice, Option


class Surrogate:
    """A spike function; subclasses are dataclasses whose first number, if any, exceeds 0, and give the derivative."""

    def __post_init__(self):
        for name, value in list(vars(self).items())[:1]:
            if not value > 0:
                raise ValueError(f"{name} must exceed 0, got {value}")

    def __call__(self, distance, inclusive=False):
        """1 where distance > 0 (>= 0 if inclusive), else 0, in the dtype of `distance`."""
        return _Spike.apply(distance, self, inclusive)

    def derivative(self, distance):
        """ds/du at `distance`, elementwise."""
        raise TypeError(f"{type(self).__name__} gives no derivative")


@dataclass(frozen=True)
class FastSigmoid(Surrogate):
    """ds/du = 1 / (slope |u - theta| + 1)^2  (SuperSpike, Zenke and Ganguli 2018)."""

    slope: float

    def derivative(self, distance):
        return 1 / (self.slope * distance.abs() + 1) ** 2


@dataclass(frozen=True)
class ATan(Surrogate):
    """ds/du = alpha / 2 / (1 + (pi/2 alpha (u - theta))^2)  (Fang et al. 2021)."""

    alpha: float = 2.0

    def derivative(self, distance):
        return self.alpha / 2 / (1 + (math.pi / 2 * self.alpha * distance) ** 2)


@dataclass(frozen=True)
class Rectangle(Surrogate):
    """ds/du = 1 / (2 width) where |u - theta - offset| < width, else 0  (STBP, Wu et al. 2018).

    offset: of its centre above the threshold, in units of u; -theta centres it on 0.
    """

    width: float
    offset: float = 0.0

    def derivative(self, distance):
        return ((distance - self.offset).abs() < self.width).to(distance.dtype) / (2 * self.width)


class LearntATan(nn.Module):
    """ATan whose alpha is learnt; `alpha` is where it starts, above 0.

    The loss's gradient by alpha is that of the smooth step of which ATan is the derivative,
    atan(pi/2 alpha (u - theta)) / pi + 1/2.
    Source: SpikingJelly's `ATan` of a learnable alpha, as the PLIF paper's code uses it.
    """

    def __init__(self, alpha=2.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(ATan(alpha).alpha)))

    def forward(self, distance, inclusive=False):
        """See Surrogate."""
        smooth = torch.atan(math.pi / 2 * self.alpha * distance) / math.pi
        spike = (distance >= 0) if inclusive else (distance > 0)
        return spike.to(smooth.dtype) + (smooth - smooth.detach())


SURROGATES = {
    "fast_sigmoid": Choice(FastSigmoid, slope=Option(5.0, POSITIVE, "steepness")),
    "atan": Choice(ATan, alpha=Option(2.0, POSITIVE, "steepness; as PLIF")),
    "rectangle": Choice(Rectangle, width=Option(0.5, POSITIVE, "half-width of the rectangle, units of the membrane")),
}


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, distance, surrogate, inclusive):
        ctx.save_for_backward(distance)
        ctx.surrogate = surrogate
        compare = torch.ge if inclusive else torch.gt
        return compare(distance, 0, out=torch.empty_like(distance))  # several times faster than bool and a cast

    @staticmethod
    def backward(ctx, grad):
        (distance,) = ctx.saved_tensors
        return grad * ctx.surrogate.derivative(distance), None, None
