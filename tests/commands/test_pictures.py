"""The pictures of the README files: each is there, small, used, and of a command that still makes a run."""

import re
import runpy
import shlex
from types import SimpleNamespace

import pytest
from helpers.place import ROOT
from PIL import Image

from common.running import command

DIRECTORIES = ["mnist", "fashion_mnist", "dvs_gesture", "shd", "temporal_coding"]
LARGEST = {".png": 80_000, ".gif": 400_000}  # bytes


def pictures(directory):
    """[(file, its caption: the paragraph after it)] of a directory's README."""
    text = (ROOT / directory / "README.md").read_text(encoding="utf-8")
    found = re.findall(r"^!\[[^\]]+\]\(([^)]+)\)\n\n(.+?)\n\n", text, re.M | re.S)
    return [((ROOT / directory / path).resolve(), caption) for path, caption in found]


@pytest.mark.parametrize("directory", DIRECTORIES)
def test_each_directory_shows_a_picture_whose_caption_says_how_it_came_about(directory):
    assert pictures(directory)
    conf = SimpleNamespace(**runpy.run_path(str(ROOT / directory / "conf.py")))
    for file, caption in pictures(directory):
        (line,) = re.findall(r"`python run\.py([^`]*)`", caption)
        settings = command.new_settings(conf, shlex.split(line))
        sample = "source=sample" in line
        assert settings and sample == ("stand-in" in caption), "a stand-in is said to be one"
        assert file.parent == ROOT / "docs" and file.stat().st_size <= LARGEST[file.suffix]
        with Image.open(file) as image:
            assert 400 <= image.width <= 1200


def test_no_picture_lies_unused():
    used = {file.name for directory in DIRECTORIES for file, _ in pictures(directory)}
    assert {file.name for file in (ROOT / "docs").iterdir() if file.suffix in LARGEST} == used
