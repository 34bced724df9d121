"""Recordings of moving bars in the layout of DVS128 Gesture."""

import numpy as np


def write_recordings(folder):
    """Three gestures, bars that move right, down or not at all, of users 1 and 2 in training, 3 in the test."""
    generator = np.random.default_rng(0)
    for user, part in ((1, "Train"), (2, "Train"), (3, "Test")):
        for session in range(1, 5):
            place = folder / f"ibmGesture{part}" / f"user{user:02}_session{session}"
            place.mkdir(parents=True)
            for label in range(3):
                time = np.sort(generator.integers(0, 600, 3000))
                along, across = generator.integers(30, 100, 3000), time // 6 + generator.integers(0, 8, 3000)
                x, y = {0: (across, along), 1: (along, across), 2: (along, along)}[label]
                events = np.stack([x, y, generator.integers(0, 2, 3000), time], 1)
                np.save(place / f"{label}.npy", events.astype(np.int16))
