import math

import pytest
import torch

from common.data.shd.augmentation import SpokenDigitsAugmentation


def test_draws_are_uniform_and_within_their_bounds():
    a, c, shift = SpokenDigitsAugmentation(0.1, 0.3, 0.2).draw(40_000, 700)
    for factor, scale in ((a, 0.3), (c, 0.2)):
        assert factor.min() >= 1 - scale and factor.max() < 1 + scale
        assert float(factor.mean()) == pytest.approx(1, abs=0.005)
        assert float(factor.std()) == pytest.approx(scale / math.sqrt(3), rel=0.02)
    assert abs(float(torch.corrcoef(torch.stack([a, c]))[0, 1])) < 0.02
    counts = torch.bincount(shift.long() + 70)
    assert len(counts) == 141 and counts.min() > 200 and counts.max() < 370  # 284 expected, standard deviation 17
    together = SpokenDigitsAugmentation(0.1, 0.3, 0.3, scale_together=True).draw(100, 700)
    assert torch.equal(together[0], together[1]) and together[0].unique().numel() == 100


@pytest.mark.parametrize("key", ["shift", "scale_time", "scale_channels"])
@pytest.mark.parametrize("value", [-0.1, 1.0, math.nan])
def test_a_bad_augmentation_is_named(key, value):
    with pytest.raises(ValueError, match=rf"{key} must lie in \[0, 1\), got {value}"):
        SpokenDigitsAugmentation(**{key: value})
