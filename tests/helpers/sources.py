"""What is said alike of sets that cannot be had; load: that of helpers.image_set or helpers.shd_set."""

import pytest


def check_that_a_stand_in_is_told(load, house, capsys, stand_in, title, files):
    """Where no mirror answers.  files: a pattern of those of which none may be left."""
    assert load(house).name == stand_in
    message = capsys.readouterr().err
    assert "cannot download" in message and f"NOT the set {title}" in message
    assert not list(house.rglob(files))


def check_that_the_published_set_is_insisted_on(load, house, files, folder):
    """folder: where they are to be put."""
    with pytest.raises(ValueError) as caught:
        load(house, source="published")
    for file in files:
        assert all(f"http://127.0.0.1:1/{mirror}/{file}.gz" in str(caught.value) for mirror in "ab")
    assert str(folder) in str(caught.value)
