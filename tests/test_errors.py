import io
import sys

import pytest

from common.errors import UserError, open_streams, user_errors


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
