"""Threefry against its published vectors, and what is made of it against a slow count and the binomial law."""

import numpy as np
import pytest
import torch
from numba import njit

from common.kernels.random_numbers import bernoulli, dropout, threefry, uniform

VECTORS = [  # key, block, words: Random123 1.09, kat_vectors, threefry2x32 with 20 rounds
    ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
]


@njit
def words(key0, key1, x0, x1):
    return threefry(key0, key1, x0, x1)


def drawn(*values):
    return tuple(int(word) for word in words(*(np.uint32(value) for value in values)))


@pytest.mark.parametrize("key, block, expected", VECTORS)
def test_threefry_gives_the_published_words(key, block, expected):
    assert drawn(*key, *block) == expected


def test_the_numbers_are_the_words_of_their_blocks_in_order():
    torch.manual_seed(4)
    key = torch.randint(2**32, (2,)).tolist()
    torch.manual_seed(4)
    numbers = uniform(torch.empty(5, 1000)).flatten()
    for place in (0, 1, 1023, 1024, 2047, 2048, 3071, 3072, 4999):
        chunk, within = divmod(place, 2048)
        half, index = divmod(within, 1024)
        assert numbers[place].item() == (drawn(*key, index, chunk)[half] >> 8) / 2**24


def test_the_numbers_are_uniform_and_independent():
    torch.manual_seed(0)
    numbers = uniform(torch.empty(1_000_000)).double().numpy()
    assert 0 <= numbers.min() < 1e-5 and 1 - 1e-5 < numbers.max() < 1
    counts = np.bincount((numbers * 100).astype(int), minlength=100)
    assert ((counts - 10_000) ** 2 / 10_000).sum() < 149  # chi squared of 99 degrees of freedom, p = .001
    for lag in (1, 2, 1023, 1024, 1025, 2048):
        assert abs(np.corrcoef(numbers[:-lag], numbers[lag:])[0, 1]) < 0.004  # four standard deviations


def test_keys_come_from_the_generator_and_threads_change_nothing():
    like, generator = torch.empty(3, 5000), torch.Generator().manual_seed(1)
    first, second = uniform(like, generator), uniform(like, generator)
    assert not torch.equal(first, second)
    threads = torch.get_num_threads()
    state = torch.get_rng_state()
    try:
        torch.set_num_threads(2)
        assert torch.equal(uniform(like, generator.manual_seed(1)), first)
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(uniform(like.double(), generator.manual_seed(1)), first.double())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_bernoulli_compares_with_the_uniform_numbers(dtype):
    p = torch.linspace(0, 1, 6006, dtype=dtype).reshape(1001, 6).t().requires_grad_()  # not contiguous
    torch.manual_seed(2)
    numbers = uniform(p)
    torch.manual_seed(2)
    spikes = bernoulli(p)
    assert spikes.dtype == dtype and torch.equal(spikes.detach(), (numbers < p.detach()).to(dtype))
    spikes.backward(torch.full_like(spikes, 3.0))
    assert torch.equal(p.grad, 3 * p.detach())
    assert bernoulli(torch.zeros(9999)).sum() == 0 and bernoulli(torch.ones(9999)).sum() == 9999
    assert bernoulli(torch.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dropout_drops_where_the_uniform_numbers_are_small(dtype):
    x = torch.randn(7, 11, 40, dtype=dtype).transpose(0, 2).requires_grad_()
    torch.manual_seed(5)
    kept = uniform(x) >= 0.25
    torch.manual_seed(5)
    out = dropout(x, 0.25)
    torch.testing.assert_close(out, torch.where(kept, x / 0.75, 0))
    upstream = torch.randn_like(out)
    torch.testing.assert_close(torch.autograd.grad(out, x, upstream)[0], torch.where(kept, upstream / 0.75, 0))
    assert 0.7 < kept.double().mean() < 0.8


def test_elsewhere_torch_draws_the_numbers():
    on_meta = torch.empty(4, 3, device="meta")
    assert uniform(on_meta).device.type == "meta" and bernoulli(on_meta).shape == (4, 3)
    assert dropout(on_meta, 0.5).shape == (4, 3)
