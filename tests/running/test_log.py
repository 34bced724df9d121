"""What a run keeps of what it printed, and of how its code differed from the commit."""

import sys

import pytest
from tqdm import tqdm

from common.running import log, provenance


def test_what_is_printed_is_kept_but_for_bars(tmp_path, capsys):
    for word in ("one", "two"):
        with log.kept(tmp_path):
            print(word, "±")
            print("warning", file=sys.stderr)
            for _ in tqdm(range(3), leave=False):
                pass
        print("outside")
    assert (tmp_path / "log.txt").read_text(encoding="utf-8") == "one ±\nwarning\ntwo ±\nwarning\n"
    out, err = capsys.readouterr()
    assert out == "one ±\noutside\ntwo ±\noutside\n" and "0/3" in err


@pytest.fixture
def changes(monkeypatch):
    said = [" M common/a.py\n?? common/mine.py\n\ndiff --git a/common/a.py b/common/a.py\n"]
    monkeypatch.setattr(provenance, "changes", lambda: said[-1])
    return said


def test_changes_are_kept_and_those_of_a_resumed_run_too(tmp_path, changes):
    log.keep_changes(tmp_path)
    log.keep_changes(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["uncommitted.patch"]
    assert (tmp_path / "uncommitted.patch").read_text() == changes[0]
    changes.append("more\n")
    log.keep_changes(tmp_path)
    assert (tmp_path / "uncommitted-resumed.patch").read_text() == "more\n"


def test_a_large_patch_is_told_and_a_clean_tree_has_none(tmp_path, changes):
    changes.append("x" * (log.LARGEST + 1))
    log.keep_changes(tmp_path)
    assert (tmp_path / "uncommitted.patch").read_text() == "larger than 1048576 bytes\n"
    changes.append("")
    (tmp_path / "clean").mkdir()
    log.keep_changes(tmp_path / "clean")
    assert not list((tmp_path / "clean").iterdir())
