"""What the tests of images start from."""

import pytest
from helpers.image_set import machine


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    return machine(tmp_path, monkeypatch)
