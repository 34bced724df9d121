import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from common.data import synthetic
from common.data.events import Binning


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


def spoken(num_samples, seed, speakers=range(5)):
    return synthetic.spoken_digits(num_samples, seed, speakers, Binning(50.0, 20))


def test_digits_are_about_as_dense_as_a_cochlea_s_and_as_long_as_words():
    digits = spoken(400, seed=3)
    num_events = digits.offsets.diff()
    assert 1200 < num_events.float().mean() < 1700 and num_events.min() > 800 and num_events.max() < 2400
    durations = torch.stack([digits.times[digits.offsets[k] : digits.offsets[k + 1]].max() for k in range(400)])
    assert durations.min() > 0.35 and durations.max() < 1.1 and durations.max() - durations.min() > 0.3
    assert digits.times.min() > 0 and torch.equal(digits.times, digits.times.half().float())
    assert digits.units.min() >= 0 and digits.units.max() <= 699 and digits.units.dtype == torch.int32
    assert digits.labels.bincount().tolist() == [20] * 20
    for k in range(400):  # in order of time, as in a recording
        assert digits.times[digits.offsets[k] : digits.offsets[k + 1]].diff().min() >= 0


def test_digits_belong_to_their_seed_and_leave_the_global_generator_alone():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    digits = spoken(40, seed=1)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(digits.times, spoken(40, seed=1).times) and torch.equal(digits.units, spoken(40, seed=1).units)
    assert not torch.equal(digits.offsets, spoken(40, seed=2).offsets)


def test_only_those_asked_for_speak_each_with_a_voice_and_a_tempo_of_their_own():
    digits = spoken(2000, seed=1, speakers=(1, 4))
    assert set(digits.speakers.tolist()) == {1, 4}
    words = torch.arange(2000).repeat_interleave(digits.offsets.diff())
    voices = [float(digits.units[digits.speakers[words] == speaker].float().mean()) for speaker in (1, 4)]
    tempos = [float(digits.times[digits.speakers[words] == speaker].mean()) for speaker in (1, 4)]
    assert abs(voices[0] - voices[1]) > 5 and abs(tempos[0] - tempos[1]) > 0.02


def test_the_order_in_time_tells_digits_apart_that_the_channels_alone_do_not():
    """Of two classes that are each other backwards, counts per channel can but guess: half of the words at best."""
    scores = []
    for num_slices in (1, 5):  # of time
        features = []
        for digits in (spoken(800, seed=0), spoken(400, seed=1)):
            dense = digits.batch(slice(None))[0].dense().transpose(0, 1)  # [B, T, N]
            binned = dense.reshape(len(digits), num_slices, -1, 70, 10).sum((2, 4)).flatten(1)
            features.append((np.log1p(binned.numpy()), digits.labels.numpy()))
        model = LogisticRegression(C=0.01, max_iter=1000).fit(*features[0])
        scores.append(model.score(*features[1]))
    assert 0.2 < scores[0] < 0.55 and scores[1] > scores[0] + 0.25
