import io
import sys

import pytest

from common.errors import replace_unprintable


@pytest.mark.parametrize("encoding, shown", [("ascii", "99 ? 1 ?"), ("cp1252", "99 ± 1 ?"), ("utf-8", "99 ± 1 √")])
def test_what_an_encoding_lacks_is_printed_as_a_question_mark(monkeypatch, encoding, shown):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding=encoding))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    replace_unprintable()
    print("99 ± 1 √", end="", flush=True)
    assert written.getvalue().decode(encoding) == shown
