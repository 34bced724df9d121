"""Events that an augmentation moves before they are binned."""

import torch
from helpers.event_recordings import made, random_events

from common.data.events import Binning
from common.data.shd.augmentation import SpokenDigitsAugmentation


def changed(monkeypatch, recording, factor_time=1.0, factor_channels=1.0, shift=0, **options):
    """The nonzero (step, unit) of a recording of 1 ms bins and 11 channels that is changed so."""
    one = torch.ones(1, dtype=torch.float64)
    changes = factor_time * one, factor_channels * one, shift * one
    monkeypatch.setattr(SpokenDigitsAugmentation, "draw", lambda *_: changes)
    events = made([recording], Binning(1.0, 100, **options), num_units=11, augmentation=SpokenDigitsAugmentation())
    inputs, _ = events.batch(slice(None))
    return [tuple(place) for place in inputs.dense()[:, 0].nonzero().tolist()], inputs


def test_changes_by_hand(monkeypatch):
    """The middle of 11 channels is 5: twice as wide, 4 and 6 go to 3 and 7, and 1 and 9 leave."""
    recording = [(0.0106, 5), (0.0206, 4), (0.0306, 6), (0.0306, 1), (0.0306, 9)]
    assert changed(monkeypatch, recording, factor_channels=2.0)[0] == [(10, 5), (20, 3), (30, 7)]
    assert changed(monkeypatch, recording, shift=-2)[0] == [(10, 3), (20, 2), (30, 4), (30, 7)]
    assert changed(monkeypatch, recording, shift=2)[0] == [(10, 7), (20, 6), (30, 3), (30, 8)]
    assert changed(monkeypatch, recording, factor_channels=0.25)[0] == [(10, 5), (20, 5), (30, 4), (30, 5), (30, 6)]
    places, inputs = changed(monkeypatch, recording, factor_time=2.0, length="sample")
    assert places == [(21, 5), (41, 4), (61, 1), (61, 6), (61, 9)] and inputs.mask.sum() == 62
    places, inputs = changed(monkeypatch, recording, factor_time=4.0, length="sample")
    assert places == [(42, 5), (82, 4)] and inputs.mask.sum() == 100


def test_each_sample_is_changed_in_its_own_way_and_each_time_anew():
    recordings = [[(0.05, 350)]] * 200
    events = made(recordings, Binning(1.0, 100), 700, SpokenDigitsAugmentation(shift=0.1, scale_time=0.3))
    first, second = (events.batch(slice(None))[0] for _ in range(2))
    for inputs in (first, second):
        steps, _, units = inputs.dense().nonzero().T
        assert len(steps) == 200 and len(units.unique()) > 60 and len(steps.unique()) > 20
        assert units.min() >= 280 and units.max() <= 420 and steps.min() >= 35 and steps.max() <= 64
    assert not torch.equal(first.units, second.units)


def test_draws_come_from_torch_s_generator_and_only_where_there_is_an_augmentation():
    _, events = random_events(Binning(1.0, 60), augmentation=SpokenDigitsAugmentation(0.4, 0.3, 0.3))
    state = torch.get_rng_state()
    first = events.batch(slice(None))[0].dense()
    assert not torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(events.batch(slice(None))[0].dense(), first)
    torch.set_rng_state(state)
    assert torch.equal(events.batch(slice(None))[0].dense(), first)
    state = torch.get_rng_state()
    random_events(Binning(1.0, 60))[1].batch(slice(None))
    assert torch.equal(torch.get_rng_state(), state)


def test_on_average_times_and_channels_stay_and_events_are_lost_at_the_border_only():
    """A factor from 1 - .3 to 1 + .3 has a deviation of .3 / sqrt(3), a shift by up to 70 one of sqrt((141² - 1) / 12).

    Of the events on channel 690 of 700 those stay that are shifted by -70 to 9, 80 of 141.
    """
    def places(unit, count):
        events = made([[(0.05, unit)]] * count, Binning(1.0, 100), 700, SpokenDigitsAugmentation(0.1, 0.3, 0.3))
        steps, _, units = events.batch(slice(None))[0].dense().nonzero().T
        return steps.double() + 0.5, units.double()  # an event lies in the middle of its step, on average

    count = 20_000
    times, units = places(450, count)  # 100.5 channels from the middle
    assert len(times) == count
    assert abs(times.mean() - 50) < 4 * 8.66 / count**0.5 and abs(times.std() - 50 * 0.3 / 3**0.5) < 0.2
    deviation = ((100.5 * 0.3) ** 2 / 3 + (141**2 - 1) / 12) ** 0.5
    assert abs(units.mean() - 450) < 4 * deviation / count**0.5 and abs(units.std() - deviation) < 1
    stayed = len(places(690, 5_000)[0]) / 5_000  # the factor moves it by up to 102.15 = 204.3 / 2
    events = made([[(0.05, 690)]] * 5_000, Binning(1.0, 100), 700, SpokenDigitsAugmentation(shift=0.1))
    shifted = events.batch(slice(None))[0].dense().sum() / 5_000
    assert abs(shifted - 80 / 141) < 0.03 and abs(stayed - 0.5 - 9.5 / 204.3) < 0.03
