"""The counting of a recording's events into frames, compiled by numba."""

import numpy as np
from numba import njit

NUMBER, TIME, DT = 0, 1, 2
DONE, FULL = -1, -2  # what `count` returns beside the index of an event


@njit(cache=True, error_model="numpy")
def count(events, split, dt, downsample, frames, durations):
    """Add a recording to zeroed `frames`, unsigned [T, P, H, W], and fill `durations`, float64 [T], us.

    events: int64 [N, 4], x, y, polarity and time in us.  split: NUMBER, TIME or DT.  dt: us, of DT.  See Framing.
    Returns DONE, the index of the first event off the sensor, or FULL if a count exceeds the type of `frames`.
    """
    num_steps, num_polarities, height, width = frames.shape
    num_events = len(events)
    durations[:] = dt
    if not num_events:
        return DONE
    start, end = events[:, 3].min(), events[:, 3].max()
    part = num_events // num_steps if split == NUMBER else (end - start) // num_steps
    if split == TIME:
        durations[:] = part
        durations[-1] = end - start - part * (num_steps - 1)
    elif split == NUMBER:
        for step in range(num_steps):
            after = num_events - 1 if step == num_steps - 1 else (step + 1) * part
            durations[step] = events[after, 3] - events[step * part, 3]
    for k in range(num_events):
        x, y, polarity, time = events[k]
        if not (0 <= x < width * downsample and 0 <= y < height * downsample and 0 <= polarity < num_polarities):
            return k
        if split == DT:
            step = np.int64(min((time - start) / dt, np.float64(num_steps)))
            if step == num_steps:
                continue
        else:
            place = k if split == NUMBER else time - start
            step = min(place // part, num_steps - 1) if part else num_steps - 1
        frames[step, polarity, y // downsample, x // downsample] += 1
        if frames[step, polarity, y // downsample, x // downsample] == 0:
            return FULL
    return DONE
