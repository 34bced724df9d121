"""The command line's "key=value", and a value as one types it."""

import ast
import difflib
import math

KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}


def parse(arguments, known):
    """["key=value", ...] -> dict, each value of the type that `known` gives its key."""
    return {key: typed(key, text, known[key]) for key, text in split(arguments, known).items()}


def meant(name, known):
    """A hint at the one of the known names that is nearest to a wrong one; "" if none is near."""
    near = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def split(arguments, known):
    """["key=value", ...] -> {key: text}; ValueError for what has another form, is not in `known` or comes twice."""
    overrides = {}
    for argument in arguments:
        key, separator, text = argument.partition("=")
        if not separator:
            raise ValueError(f"expected key=value, got {argument!r}; --help lists the keys")
        if key not in known:
            raise ValueError(f"no key {key!r}{meant(key, known) or '; --help lists them'}")
        if key in overrides:
            raise ValueError(f"{key} is given twice")
        overrides[key] = text
    return overrides


def typed(key, text, example):
    """`text` as a value of the type of `example`; a list's items are of the type of its first."""
    try:
        value = text if isinstance(example, str) else ast.literal_eval(text)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        value = text
    if isinstance(example, list) and isinstance(value, list):
        value = [_widened(item, example[0]) for item in value]
        matches = value and all(type(item) is type(example[0]) for item in value)
    else:
        value = _widened(value, example)
        matches = type(value) is type(example)
    if not matches:
        kind = type(example[0] if isinstance(example, list) else example)
        kind = KINDS.get(kind, f"a {kind.__name__}")
        kind = f"a list of {kind.removeprefix('a ')}s" if isinstance(example, list) else kind
        raise ValueError(f"{key} is {kind}, as in {key}={show_value(example)}; got {text!r}")
    return value


def _widened(value, example):
    """A whole number where conf.py has a float, as a float."""
    try:
        return float(value) if type(value) is int and isinstance(example, float) else value
    except OverflowError:
        return math.inf


def show_value(value):
    return value if isinstance(value, str) else repr(value).replace(" ", "")
