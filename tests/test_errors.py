import importlib.util
import io
import sys

import pytest

from common.errors import UserError, ending, foreign, open_streams, told, user_errors


@pytest.mark.parametrize("encoding, shown", [("ascii", "99 ? 1 ?"), ("cp1252", "99 ± 1 ?"), ("utf-8", "99 ± 1 √")])
def test_what_an_encoding_lacks_is_printed_as_a_question_mark(monkeypatch, encoding, shown):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    open_streams()
    print("99 ± 1 √", end="", flush=True)
    assert written.getvalue().decode(encoding) == shown


def test_user_errors_marks_what_a_user_can_mend_only():
    for error in (ValueError("a"), FileNotFoundError("a")):
        with pytest.raises(UserError, match="a"), user_errors():
            raise error
    with pytest.raises(KeyError), user_errors():
        {}["a"]


def test_what_others_wrote_is_the_user_s_and_what_the_code_does_wrong_is_not():
    with pytest.raises(UserError, match="a file: KeyError\\('a'\\)"), foreign("a file"):
        {}["a"]
    with pytest.raises(KeyError), foreign("a net", ValueError, RuntimeError):
        {}["a"]
    with pytest.raises(UserError, match="^a net: sizes differ$"), foreign("a net", ValueError, RuntimeError):
        raise RuntimeError("sizes differ\n\nand a page of advice")
    for error in (MemoryError(), UserError("b"), OSError("c")):
        with pytest.raises(type(error)) as caught, foreign("a file"):
            raise error
        assert caught.value is error


def test_what_fails_beside_the_matter_is_told_and_no_interrupt_is(capsys):
    with told("a.png is not drawn"):
        raise RuntimeError("no LaTeX\nand more")
    assert capsys.readouterr().err == "warning: a.png is not drawn: no LaTeX\n"
    with pytest.raises(KeyboardInterrupt), told("a.png is not drawn"):
        raise KeyboardInterrupt


@pytest.mark.parametrize("error, end", [
    (UserError("a"), ("a", 2)), (OSError("a"), ("a", 2)), (KeyError("a"), None), (RuntimeError("a"), None),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 12 bytes. Buy more"),
     ("out of memory: tried to allocate 12 bytes; a smaller batch_size or net, or checkpoint_steps, needs less", 1))])
def test_the_line_and_the_status_that_an_error_ends_with(error, end):
    assert ending(error) == end


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])
def test_a_cut_file_in_numba_s_cache_names_the_folder_to_delete(tmp_path, suffix):
    (tmp_path / "kernel.py").write_text("import numba\n\n\n@numba.njit(cache=True)\ndef add(x):\n    return x + 1\n")

    def add(x):
        spec = importlib.util.spec_from_file_location("kernel", tmp_path / "kernel.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module.add(x)

    assert add(1) == 2
    (file,) = tmp_path.rglob(f"*.{suffix}")
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(Exception) as caught:
        add(1)
    line, status = ending(caught.value)
    assert status == 2 and f"delete {file.parent}" in line
    with pytest.raises(UserError) as caught, foreign("a net"):  # what it is taken for on the way changes nothing
        add(1)
    assert ending(caught.value) == (line, status)
