"""Affine changes against pixels moved by hand."""

import math

import pytest
import torch

from common.data.images.augmentation import Affine, affine


def one(*pixel, size=(5, 7)):
    """An image [1, 1, H, W] with one bright pixel, (row, column)."""
    image = torch.zeros(1, 1, *size)
    image[0, 0, *pixel] = 1.0
    return image


def moved(image, angle=0.0, right=0.0, down=0.0, scale=1.0):
    """Where the pixels of the changed image are bright."""
    values = (torch.tensor([float(value)]) for value in (angle, right, down, scale))
    return affine(image, *values)[0, 0].nonzero().tolist()


def test_a_shift_moves_right_and_down_by_shares_of_the_sides():
    assert moved(one(1, 2), right=2 / 7) == [[1, 4]] and moved(one(1, 2), down=1 / 5) == [[2, 2]]
    assert moved(one(1, 2), right=-3 / 7) == []


@pytest.mark.parametrize("size, pixel, turned", [((5, 5), (0, 2), [2, 4]), ((5, 7), (0, 3), [2, 5]),
                                                 ((7, 5), (3, 0), [1, 2])])
def test_a_quarter_turn_is_clockwise_in_pixels_also_where_sides_differ(size, pixel, turned):
    assert moved(one(*pixel, size=size), angle=math.pi / 2) == [turned]


def test_a_scale_grows_from_the_centre():
    bright = moved(one(2, 3, size=(5, 7)), scale=3.0)
    assert bright == [[row, column] for row in (1, 2, 3) for column in (2, 3, 4)]


def test_each_image_is_changed_by_numbers_of_its_own_from_torchs_generator():
    images, change = torch.rand(6, 1, 28, 28), Affine(30.0, 0.15, (0.85, 1.11))
    torch.manual_seed(4)
    first = change(images[:1].expand_as(images))
    torch.manual_seed(4)
    assert torch.equal(change(images[:1].expand_as(images)), first)
    assert all(not torch.equal(first[0], other) for other in first[1:])
    assert set(first.unique().tolist()) <= {0.0, *images[0].unique().tolist()}  # the nearest pixel, or nothing


def test_no_change_leaves_the_image():
    images = torch.rand(2, 1, 5, 7)
    assert torch.equal(Affine(0.0, 0.0, (1.0, 1.0))(images), images)


def test_its_numbers_lie_in_their_ranges():
    """A pixel in the middle of a 101 x 101 image ends nowhere but where the shift puts it: 10 pixels off at most."""
    images = one(50, 50, size=(101, 101)).expand(400, 1, 101, 101)
    places = Affine(0.0, 0.1, (1.0, 1.0))(images).nonzero()[:, 2:] - 50
    assert len(places) == 400 and places.abs().max() == 10 and places.float().mean(0).abs().max() < 1.5


def centres(change, row, column, count=2000):
    """(places [count, 2] of a block's middle, sizes [count] of it, in pixels) in as many changed 101 x 101 images."""
    images = torch.zeros(1, 1, 101, 101)
    images[..., row - 4 : row + 5, column - 4 : column + 5] = 1
    changed = change(images.expand(count, 1, 101, 101))[:, 0]
    sizes, across = changed.sum((1, 2)), torch.arange(101.0)
    return torch.stack([changed.sum(2) @ across, changed.sum(1) @ across], 1) / sizes[:, None], sizes


def test_on_average_an_image_is_neither_turned_nor_shifted_and_grows_by_the_mean_of_its_factors_squared():
    """Uniform from -a to a has a deviation of a / sqrt(3).  Four standard errors each."""
    places, sizes = centres(Affine(30.0, 0.0, (1.0, 1.0)), 50, 85)
    angles = torch.atan2(places[:, 0] - 50, places[:, 1] - 50).rad2deg()
    assert abs(angles.mean()) < 4 * 17.3 / 2000**0.5 and abs(angles.std() - 30 / 3**0.5) < 0.7
    assert abs((places - 50).norm(dim=1).mean() - 35) < 0.1 and abs(sizes.mean() / 81 - 1) < 0.01
    places, sizes = centres(Affine(0.0, 0.1, (1.0, 1.0)), 50, 50)
    assert abs(places.mean(0) - 50).max() < 4 * 5.83 / 2000**0.5 and (sizes == 81).all()
    assert abs(places.std(0) - 10.1 / 3**0.5).max() < 0.25
    places, sizes = centres(Affine(0.0, 0.0, (0.6, 1.2)), 50, 70)
    assert abs((places[:, 1] - 50).mean() - 20 * 0.9) < 4 * 3.47 / 2000**0.5 and abs(places[:, 0].mean() - 50) < 0.05
    assert abs(sizes.mean() / 81 - (1.2**3 - 0.6**3) / 3 / 0.6) < 0.03


@pytest.mark.parametrize("arguments, message", [
    ((181, 0.1, (1, 1)), "rotation must lie in"), ((30, 1.0, (1, 1)), "shift must lie in"),
    ((30, 0.1, (1.1, 0.9)), "scale must be its smallest"), ((30, 0.1, (0, 1)), "scale must be"),
    ((30, 0.1, (1.0,)), "scale must be")])
def test_a_value_outside_its_range_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        Affine(*arguments)
