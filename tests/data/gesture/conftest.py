"""What the tests of the set of gestures start from."""

import pytest
from helpers.gesture_machine import machine


@pytest.fixture
def house(tmp_path, monkeypatch):
    return machine(tmp_path, monkeypatch)
