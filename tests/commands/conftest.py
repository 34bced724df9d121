"""What the tests of commands start from."""

import pytest
from helpers.place import Place


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return Place(tmp_path_factory.mktemp("place"))
