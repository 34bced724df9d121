"""Random crops against pixels moved by hand."""

import pytest
import torch

from common.build import image_augmentation
from common.data.images.augmentation import Affine, Crop, cropped


def test_each_image_is_moved_by_its_own_pixels():
    images = torch.arange(1.0, 25.0).view(2, 1, 3, 4)
    down, right = torch.tensor([[2], [0]]), torch.tensor([[1], [0]])
    assert cropped(images, 1, down, right).tolist() == [
        [[[5, 6, 7, 8], [9, 10, 11, 12], [0, 0, 0, 0]]],  # up by 2 - 1
        [[[0, 0, 0, 0], [0, 13, 14, 15], [0, 17, 18, 19]]]]  # down and right by 1 - 0


def test_every_move_is_drawn_and_channels_move_together():
    torch.manual_seed(0)
    images = torch.zeros(500, 2, 5, 7)
    images[:, :, 2, 3] = 1
    out = Crop(2)(images)
    assert torch.equal(out[:, 0], out[:, 1]) and (out.sum((2, 3)) == 1).all()
    found = {tuple(place) for place in out[:, 0].nonzero()[:, 1:].tolist()}
    assert found == {(row, column) for row in range(5) for column in range(1, 6)}


def test_on_average_an_image_stays_and_loses_what_leaves():
    """Moves by -2 to 2 have a deviation of sqrt(2); of a pixel at the edge, those that leave the image are 2 in 5."""
    torch.manual_seed(0)
    images = torch.zeros(5000, 1, 9, 9)
    images[..., 4, 4] = images[..., 0, 4] = 1
    changed = Crop(2)(images)[:, 0]
    assert abs(changed.sum((1, 2)).mean() - 1.6) < 4 * 0.49 / 5000**0.5
    images[..., 0, 4] = 0
    places = Crop(2)(images)[:, 0].nonzero()[:, 1:].double()
    assert len(places) == 5000 and abs(places.mean(0) - 4).max() < 4 * 2**0.5 / 5000**0.5
    assert abs(places.std(0) - 2**0.5).max() < 0.05


def test_the_config_s_switches_name_the_augmentation():
    affine = {"augment": True, "rotation": 30.0, "shift": 0.1, "scale": [0.9, 1.1]}
    assert image_augmentation({"crop": 4}) == Crop(4)
    assert image_augmentation({"crop": 0}) is None and image_augmentation({"augment": False}) is None
    assert image_augmentation(affine) == Affine(30.0, 0.1, [0.9, 1.1])


def test_a_padding_of_nothing_is_refused():
    with pytest.raises(ValueError, match="padding must be 1 pixel or more, got 0"):
        Crop(0)
