import importlib

import common
from common.running import allocator


def test_the_allocator_is_tuned_when_asked_and_not_by_an_import(monkeypatch):
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", "to be restored")
    monkeypatch.delenv("THP_MEM_ALLOC_ENABLE")
    importlib.reload(common)
    assert "THP_MEM_ALLOC_ENABLE" not in allocator.os.environ
    allocator.keep_freed_memory()
    assert allocator.os.environ["THP_MEM_ALLOC_ENABLE"] == "1"


def test_another_choice_of_the_user_stands(monkeypatch):
    monkeypatch.setenv("THP_MEM_ALLOC_ENABLE", "0")
    allocator.keep_freed_memory()
    assert allocator.os.environ["THP_MEM_ALLOC_ENABLE"] == "0"
