"""The command line, without a process."""

import pytest
from helpers.place import ROOT

from common.running import command


@pytest.mark.parametrize("directory, arguments, shown", [
    ("temporal_coding", ["case=tuned"], "  beta=0.1 "), ("temporal_coding", ["case=all"], "  beta=0.15 "),
    ("shd", ["case=paralif"], "  learn_threshold=True "), ("shd", ["case=all"], "What runs with case=all:")])
def test_help_shows_what_a_case_runs(directory, arguments, shown, capsys):
    command._do(ROOT / directory, None, [*arguments, "--help"])
    assert shown in capsys.readouterr().out
