import pytest
import torch

from common.data import synthetic


def test_a_train_is_bernoulli_with_probabilities_spread_evenly_over_0_to_1():
    train = synthetic.bernoulli_train(200, 500, seed=4)
    assert train.shape == (200, 500) and set(train.unique().tolist()) == {0.0, 1.0}
    assert train.mean().item() == pytest.approx(0.5, abs=0.01)
    assert train.var(0).mean().item() == pytest.approx(0.25, abs=0.01)  # p differs at every step: no neuron is denser


def test_a_train_belongs_to_its_seed_and_leaves_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    train = synthetic.bernoulli_train(20, 30, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(train, synthetic.bernoulli_train(20, 30, seed=1))
    assert not torch.equal(train, synthetic.bernoulli_train(20, 30, seed=2))


def test_sample_k_is_the_input_of_seed_k():
    data = synthetic.spike_timing(num_steps=20, num_inputs=30, spike_time=15, seeds=range(5, 8))
    assert len(data.train) == len(data.test) == 3 and data.in_shape == (30,) and data.num_classes == 1
    assert not data.stand_in and list(data.hashes) == ["seed 5", "seed 6", "seed 7"]
    assert len(set(data.hashes.values())) == 3
    trains, spike_times = data.train.to("cpu").batch(torch.tensor([1]))
    assert torch.equal(trains, synthetic.bernoulli_train(20, 30, seed=6)[None])
    assert spike_times.tolist() == [15]


def test_the_step_to_spike_at_lies_within_the_train():
    with pytest.raises(ValueError, match="spike_time must be below num_steps = 20, got 20"):
        synthetic.spike_timing(20, 30, 20, [0])
