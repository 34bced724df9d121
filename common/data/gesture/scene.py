"""Gestures made from a seed: two moving arms before an event camera, written in the layout of tonic's DVSGesture.

A pixel holds log L at its last event and fires whenever log L has moved by its threshold C since then:

    while |log L - memory| >= C:   memory += polarity C,   event (x, y, polarity > 0, t)

with L the brightness of a textured background with arms and hands drawn over it, some 200 times a second; a pixel's
thresholds depart from C at random, those of OFF are a little higher, and noise events of its own come on top.
Source: the principle of Lichtsteiner, Posch, Delbruck 2008 (DVS128), as simulators have it.
"""

import io

import numpy as np
from numba import njit

from common import atomic
from common.data.gesture.frames import SIDE

TITLE = "synthetic gestures"
VERSION = 1  # the scenes' own; with another number they are made anew
SESSIONS = {"ibmGestureTrain": (range(1, 7), 2), "ibmGestureTest": (range(7, 11), 1)}  # users, sessions of each
CLAP, RIGHT_WAVE, LEFT_WAVE, RIGHT_CW, RIGHT_CCW, LEFT_CW, LEFT_CCW, ROLL, DRUMS, GUITAR, OTHER = range(11)
MILLISECONDS, STEP = 1500, 5
RIGHT, LEFT = 0, 1  # arms; the right one is on the picture's left, as of someone who faces the camera
REST = (0.15, 0.95)  # an idle hand: how far outwards and down from its shoulder, in arm's lengths


def make(folder):
    """Make `folder` with a set of 11 x 12 recordings of six users to train on, 11 x 4 of four others to test on."""
    with atomic.folder(folder) as part:
        for top, (users, num_sessions) in SESSIONS.items():
            for user in users:
                for session in range(1, num_sessions + 1):
                    place = part / top / f"user{user:02}_session{session}"
                    place.mkdir(parents=True)
                    for label in range(11):
                        content = io.BytesIO()  # numpy's own writing to a file does not say when the disk is full
                        np.save(content, recording(label, user, session))
                        (place / f"{label}.npy").write_bytes(content.getbuffer())


def is_whole(folder):
    """Whether `folder` has as many recordings as `make` writes."""
    return all(len(list(folder.glob(f"{top}/*/*.npy"))) == 11 * len(users) * num_sessions
               for top, (users, num_sessions) in SESSIONS.items())


def recording(label, user, session):
    """The events of a gesture, int16 [N, 4] (x, y, polarity, ms), in time's order; the same for the same numbers."""
    habits = np.random.default_rng([VERSION, user])
    generator = np.random.default_rng([VERSION, user, session, label])
    joints = _joints(label, _vary(habits, generator), generator)  # [steps, 2 arms, 3 joints, 2]
    background = 0.5 + 0.12 * _texture(generator)
    thresholds = habits.uniform(0.22, 0.3) * np.exp(0.1 * generator.standard_normal((SIDE, SIDE)))
    brightness, width = habits.uniform(0.75, 1.1), habits.uniform(3.5, 5.5)
    motion = _watch(joints, background, thresholds, brightness, width)
    num_noise = generator.poisson(habits.uniform(600, 2500))
    noise = generator.integers(0, [SIDE, SIDE, 2, MILLISECONDS], (num_noise, 4))
    events = np.concatenate([motion, noise])
    return events[events[:, 3].argsort(kind="stable")].astype(np.int16)


def _vary(habits, generator):
    """A user's size, tempo and place, as a session departs from them: (arm's length, Hz, centre x and y, phase)."""
    arm, tempo, x, y = habits.uniform([36, 1.3, 56, 44], [50, 2.4, 72, 56])
    vary = generator.normal(1, 0.06, 2).clip(0.85, 1.15)
    shift = generator.normal(0, 2.5, 2).clip(-6, 6)
    return arm * vary[0], tempo * vary[1], x + shift[0], y + shift[1], generator.uniform(0, 2 * np.pi)


def _joints(label, manner, generator):
    """Shoulder, elbow and hand of both arms in pixels, float64 [steps, 2, 3, 2]."""
    arm, tempo, x, y, phase = manner
    angle = phase + 2 * np.pi * tempo * np.arange(0, MILLISECONDS, STEP) / 1000
    joints = np.empty((len(angle), 2, 3, 2))
    for side, outwards in ((RIGHT, -1), (LEFT, 1)):
        across, down = hand(label, side, angle, generator)
        shoulder = np.array([x + outwards * 0.38 * arm, y])
        reach = arm * np.column_stack([outwards * across, down])
        joints[:, side, 0] = shoulder
        joints[:, side, 1] = shoulder + 0.5 * reach + arm * np.array([outwards * 0.14, 0.1])
        joints[:, side, 2] = shoulder + reach
    return joints


def hand(label, side, angle, generator):
    """Where a hand is, (outwards, down) from its shoulder in arm's lengths, at the gesture's phase `angle` [steps]."""
    sine, cosine = np.sin(angle), np.cos(angle)
    still = np.zeros_like(angle)
    if label == CLAP:
        return -0.12 + 0.25 * sine, 0.35 + still
    if label in (RIGHT_WAVE, LEFT_WAVE) and side == label - RIGHT_WAVE:
        return 0.25 + 0.4 * sine, -0.75 + 0.1 * sine**2
    if label in (RIGHT_CW, RIGHT_CCW, LEFT_CW, LEFT_CCW) and side == (label - RIGHT_CW) // 2:
        sense = 1 if label in (RIGHT_CCW, LEFT_CW) else -1  # clockwise as the camera sees it, whose y points down
        return 0.3 + 0.6 * cosine, sense * 0.6 * sine
    if label == ROLL:
        return -0.3 - 0.18 * cosine, 0.4 + (0.2 if side == RIGHT else -0.2) * sine
    if label == DRUMS:
        return 0.05 + still, 0.45 + (0.25 if side == RIGHT else -0.25) * sine
    if label == GUITAR:
        return (-0.25 + still, 0.55 + 0.22 * sine) if side == RIGHT else (0.45 + 0.03 * cosine, 0.1 + still)
    if label == OTHER:
        (speed, other), (first, second) = generator.uniform(0.3, 1.1, 2), generator.uniform(0, 2 * np.pi, 2)
        return 0.1 + 0.4 * np.sin(speed * angle + first), 0.1 + 0.5 * np.sin(other * angle + second)
    return REST[0] + still, REST[1] + still


def _texture(generator):
    """A smooth pattern of about -1 to 1, [128, 128]."""
    y, x = np.mgrid[:SIDE, :SIDE] / SIDE
    waves = [np.cos(2 * np.pi * (a * x + b * y) + phase) for a, b, phase in generator.uniform(-5, 5, (6, 3))]
    return sum(waves) / 3


@njit(cache=True, error_model="numpy")
def _watch(joints, background, thresholds, brightness, width):
    """The events (x, y, polarity, ms) of two arms before a background, in order of steps; joints as of _joints."""
    luminance, events = np.empty((SIDE, SIDE)), [(0, 0, 0, 0) for _ in range(0)]
    for y in range(SIDE):
        for x in range(SIDE):
            luminance[y, x] = _luminance(x, y, joints[0], background[y, x], brightness, width)
    memory = np.log(luminance)
    for step in range(1, len(joints)):
        for arm in range(2):
            place = joints[step - 1 : step + 1, arm]
            if (place[0] == place[1]).all():
                continue
            (left, right), (top, bottom) = _reach(place[:, :, 0], width), _reach(place[:, :, 1], width)
            for y in range(top, bottom):
                for x in range(left, right):
                    before = luminance[y, x]
                    now = luminance[y, x] = _luminance(x, y, joints[step], background[y, x], brightness, width)
                    if now != before:
                        rise = 1 if now > before else -1
                        limit = thresholds[y, x] * (1.0 if rise > 0 else 1.1)
                        while rise * (np.log(now) - memory[y, x]) >= limit:
                            memory[y, x] += rise * limit
                            fraction = min(max((np.exp(memory[y, x]) - before) / (now - before), 0.0), 0.999)
                            events.append((x, y, (rise + 1) // 2, int((step - 1 + fraction) * STEP)))
    return np.array(events)


@njit(cache=True)
def _reach(places, width):
    """First pixel and the one after the last, along one axis, that joints at `places` can change."""
    return max(0, int(places.min() - 1.5 * width)), min(SIDE, int(places.max() + 1.5 * width) + 2)


@njit(cache=True, error_model="numpy")
def _luminance(x, y, joints, background, brightness, width):
    """A pixel's luminance: arms of half-width `width` that narrow to the wrist and end in a brighter hand, in front."""
    value = background
    for arm in range(2):
        for part in range(3):  # upper arm, forearm, hand
            radius = width * (1.3 if part == 2 else 1.0 - 0.15 * part)
            start_x, start_y = joints[arm, part]
            along_x, along_y = joints[arm, min(part + 1, 2), 0] - start_x, joints[arm, min(part + 1, 2), 1] - start_y
            length = along_x * along_x + along_y * along_y
            place = ((x - start_x) * along_x + (y - start_y) * along_y) / length if length > 0 else 0.0
            place = min(max(place, 0.0), 1.0)
            far_x, far_y = x - start_x - place * along_x, y - start_y - place * along_y
            distance = far_x * far_x + far_y * far_y
            if distance < (radius + 0.5) ** 2:
                cover = min(radius + 0.5 - np.sqrt(distance), 1.0)
                value += cover * (brightness * (1.1 if part == 2 else 0.85) - value)
    return value
