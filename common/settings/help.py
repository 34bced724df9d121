"""What --help prints of a conf.py."""

import ast
import io
import tokenize
from pathlib import Path

from common.settings.resolution import show, show_value


def help_text(conf):
    """Every key of a conf.py module with its value and its comment, under the answer that brings it."""
    comments = comments_by_line(Path(conf.__file__).read_text())
    lines = [conf.__doc__.strip(), "", "Always:"]
    places = iter(comments)
    for condition, values in [({}, conf.config), *conf.conditional]:
        if condition:
            lines += ["", f"With {show(condition)}:"]
        for key, value in values.items():
            comment = next(text for name, text in places if name == key)
            lines.append(f"  {key}={show_value(value)}".ljust(44) + comment)
    if cases := getattr(conf, "cases", {}):
        lines += ["", "Short for several keys; case=all: each in turn, and all side by side:"]
        lines += [f"  case={name}".ljust(44) + show(values) for name, values in cases.items()]
    return "\n".join(lines)


def comments_by_line(source):
    """(key, comment) of every `"key":` in the source, in order; a comment belongs to the last key of its line."""
    found, tokens = [], list(tokenize.generate_tokens(io.StringIO(source).readline))
    for token, following in zip(tokens, tokens[1:], strict=False):
        if token.type == tokenize.STRING and following.string == ":":
            found.append([ast.literal_eval(token.string), "", token.start[0]])
        elif token.type == tokenize.COMMENT and found and found[-1][2] == token.start[0]:
            found[-1][1] = token.string.lstrip("# ")
    return [(key, comment) for key, comment, _ in found]
