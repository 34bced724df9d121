"""What a run keeps of what it printed, and of how its code differed from the commit."""

import sys

import pytest
from tqdm import tqdm

from common.running import log, record


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
def git(monkeypatch):
    said = {"status": " M common/a.py\n?? common/mine.py", "diff": "diff --git a/common/a.py b/common/a.py"}
    monkeypatch.setattr(record, "git", lambda word, *_: said[word])
    return said


def test_changes_are_kept_and_those_of_a_resumed_run_too(tmp_path, git):
    log.keep_changes(tmp_path)
    log.keep_changes(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["uncommitted.patch"]
    patch = (tmp_path / "uncommitted.patch").read_text()
    assert "?? common/mine.py" in patch and patch.endswith(git["diff"] + "\n")
    git["diff"] += "\nmore"
    log.keep_changes(tmp_path)
    assert (tmp_path / "uncommitted-resumed.patch").read_text().endswith("more\n")


def test_a_large_patch_is_told_and_a_clean_tree_has_none(tmp_path, git):
    git["diff"] = "x" * log.LARGEST
    log.keep_changes(tmp_path)
    assert (tmp_path / "uncommitted.patch").stat().st_size < 1000
    assert "larger than 1048576 bytes" in (tmp_path / "uncommitted.patch").read_text()
    git["status"] = ""
    (tmp_path / "clean").mkdir()
    log.keep_changes(tmp_path / "clean")
    assert not list((tmp_path / "clean").iterdir())
