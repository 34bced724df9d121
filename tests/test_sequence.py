import pytest
import torch

from common.layers.dropout import Dropout
from common.sequence import flat, is_static, mask_of


def test_dropout_drops_its_fraction_and_keeps_the_mean():
    torch.manual_seed(0)
    x = torch.full((50, 40, 30), 3.0, requires_grad=True)
    dropped = Dropout(0.25)(x)
    assert set(dropped.unique().tolist()) == {0.0, 4.0}
    assert (dropped == 0).double().mean().item() == pytest.approx(0.25, abs=0.01)
    dropped.sum().backward()
    assert torch.equal(x.grad, (dropped > 0) * (4 / 3))


def test_dropout_is_drawn_anew_and_leaves_evaluation_and_a_fraction_of_0_alone():
    x, dropout = torch.ones(1000), Dropout(0.5)
    assert not torch.equal(dropout(x), dropout(x))
    assert dropout.eval()(x) is x and Dropout(0.0)(x) is x


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan")])
def test_a_fraction_outside_its_range_is_named(fraction):
    with pytest.raises(ValueError, match=r"dropout must lie in \[0, 1\)"):
        Dropout(fraction)


def test_a_layer_sees_all_steps_at_once():
    seen = []
    out = flat(lambda x: (seen.append(x.shape), 2 * x)[1], torch.ones(4, 3, 5))
    assert out.shape == (4, 3, 5) and seen == [(12, 5)]


def test_static_sequences_and_masks():
    assert is_static(torch.ones(1, 2).expand(5, 1, 2)) and not is_static(torch.ones(5, 1, 2))
    assert mask_of(torch.ones(2)) is None
