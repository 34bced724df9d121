from dataclasses import dataclass

import numpy as np
import pytest
import torch

from common.build import spike_function
from common.recurrence import fused
from common.surrogate import ATan, FastSigmoid, Rectangle, Surrogate

SURROGATES = [FastSigmoid(10.0), ATan(2.0), Rectangle(0.5)]


def gradient(surrogate, distance, inclusive=False):
    distance = torch.tensor(distance, dtype=torch.float64, requires_grad=True)
    surrogate(distance, inclusive).sum().backward()
    return distance.grad.tolist()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("surrogate", SURROGATES, ids=str)
def test_a_spike_is_a_step_that_counts_a_tie_only_if_inclusive(surrogate, dtype):
    distance = torch.tensor([-3.0, -1e-30, -0.0, 0.0, 1e-30, 3.0], dtype=dtype)
    exclusive, inclusive = surrogate(distance), surrogate(distance, inclusive=True)
    assert exclusive.tolist() == [0, 0, 0, 0, 1, 1] and inclusive.tolist() == [0, 0, 1, 1, 1, 1]
    assert exclusive.dtype == inclusive.dtype == dtype


@pytest.mark.parametrize("surrogate, distance, derivative", [
    (FastSigmoid(10.0), 0.0, 1.0),
    (FastSigmoid(10.0), 0.1, 0.25),       # 1 / (10 · 0.1 + 1)²
    (FastSigmoid(10.0), -0.3, 0.0625),    # even: 1 / (3 + 1)²
    (FastSigmoid(25.0), -0.16, 0.04),     # 1 / (4 + 1)²
    (ATan(2.0), 0.0, 1.0),
    (ATan(), 0.3183098861837907, 0.5),    # π/2 · 2 · 1/π = 1, so half of the height
    (ATan(4.0), -0.3183098861837907, 0.4),  # 2 / (1 + 2²)
    (Rectangle(0.5), 0.25, 1.0),
    (Rectangle(0.5), -0.49, 1.0),
    (Rectangle(0.25), 0.1, 2.0),
    (Rectangle(0.5), 0.5, 0.0),           # the edge is outside
    (Rectangle(0.5), -0.75, 0.0),
    (Rectangle(0.5, -0.4), -0.75, 1.0),   # from -0.9 to 0.1
    (Rectangle(0.5, -0.4), 0.25, 0.0),
], ids=str)
def test_the_derivative_by_hand(surrogate, distance, derivative):
    assert gradient(surrogate, [distance]) == pytest.approx([derivative], abs=1e-12)
    assert gradient(surrogate, [distance], inclusive=True) == pytest.approx([derivative], abs=1e-12)


@pytest.mark.parametrize("surrogate, area", [
    (FastSigmoid(10.0), 0.2),  # 2 / slope
    (ATan(2.0), 1.0),          # the arc tangent's own step
    (Rectangle(0.4), 1.0),
], ids=str)
def test_the_area_under_the_derivative(surrogate, area):
    distance = torch.linspace(-500, 500, 2_000_001, dtype=torch.float64)
    assert torch.trapezoid(surrogate.derivative(distance), distance).item() == pytest.approx(area, rel=3e-3)


def test_the_incoming_gradient_is_scaled():
    distance = torch.zeros(3, requires_grad=True)
    (FastSigmoid(10.0)(distance) * torch.tensor([2.0, -1.0, 0.0])).sum().backward()
    assert distance.grad.tolist() == [2.0, -1.0, 0.0]


def test_nan_does_not_fire_and_its_gradient_is_nan():
    distance = torch.tensor([float("nan")], requires_grad=True)
    spike = FastSigmoid(10.0)(distance)
    spike.sum().backward()
    assert spike.item() == 0 and distance.grad.isnan().all()


def test_equal_settings_are_equal_and_cannot_change():
    assert FastSigmoid(2.0) == FastSigmoid(2.0) != FastSigmoid(3.0)
    with pytest.raises(AttributeError):
        SURROGATES[0].slope = 3.0


def test_a_surrogate_without_derivative_says_so():
    with pytest.raises(TypeError, match="Surrogate gives no derivative"):
        gradient(Surrogate(), [0.0])


@pytest.mark.parametrize("config, surrogate", [
    ({"surrogate": "fast_sigmoid", "slope": 25.0}, FastSigmoid(25.0)), ({"surrogate": "atan", "alpha": 3.0}, ATan(3.0)),
    ({"surrogate": "rectangle", "width": 0.4}, Rectangle(0.4)),
    ({"surrogate": "rectangle", "width": 0.5, "surrogate_center": "threshold", "threshold": 0.4}, Rectangle(0.5)),
    ({"surrogate": "rectangle", "width": 0.5, "surrogate_center": "zero", "threshold": 0.4}, Rectangle(0.5, -0.4)),
])
def test_a_config_names_the_surrogate_and_its_number(config, surrogate):
    assert spike_function(config) == surrogate


@pytest.mark.parametrize("kind", [FastSigmoid, ATan, Rectangle])
@pytest.mark.parametrize("number", [0.0, -1.0, float("nan")])
def test_its_number_must_exceed_0(kind, number):
    with pytest.raises(ValueError, match="must exceed 0"):
        kind(number)


@dataclass(frozen=True)
class Constant(Surrogate):
    """A user's own surrogate, without a number."""

    def derivative(self, distance):
        return 0.25 * torch.ones_like(distance)


def test_a_surrogate_need_not_have_a_number():
    assert gradient(Constant(), [-1.0, 2.0]) == [0.25, 0.25]


def test_the_kernels_take_two_numbers_at_most():
    @dataclass(frozen=True)
    class Skewed(Rectangle):
        skew: float = 0.0

    assert fused.numbers_of(Rectangle(0.5, -0.4)) == (0.5, -0.4) and fused.numbers_of(ATan(3.0)) == (3.0, 0.0)
    with pytest.raises(AssertionError, match="a parameter and an offset, not .*Skewed"):
        fused.numbers_of(Skewed(0.5))
    slopes = np.zeros(3, np.float32)
    fused.kernels.derivatives.py_func(np.zeros(3, np.float32), np.float32(1), 7, np.float32(1), np.float32(0), slopes)
    assert np.isnan(slopes).all()
