"""What the tests of SHD start from."""

import pytest
from helpers.shd_set import machine


@pytest.fixture(autouse=True)
def house(tmp_path, monkeypatch):
    return machine(tmp_path, monkeypatch)
