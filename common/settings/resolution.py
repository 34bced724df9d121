"""What a run uses: conf.py's config, the rows its answers bring, and the command line."""

import ast
import difflib
import math

from common.settings.rules import ANY, RULES


def resolve(config, conditional=(), arguments=()):
    """Return the one flat dict of a run; `config` itself is left as it is.

    config: shared values and the first switch.  conditional: (condition, values) rows, in order; a
    row applies when what stands so far holds its condition; a tuple in it is a choice.  arguments: "key=value".
    Every key has one home: ValueError if two places set it, if it is unknown, if a value has another
    type than conf.py gives it or lies outside its range, or if an argument would have no effect.
    """
    known = dict(config)
    for condition, values in conditional:
        _refuse_twice(values.keys() & config.keys(), condition)
        known.update(values)
    given = split(arguments, known)
    resolved = _overridden(config, given)
    for condition, values in conditional:
        if all(key in resolved and resolved[key] in choices(value) for key, value in condition.items()):
            _refuse_twice(values.keys() & resolved.keys(), condition)
            resolved |= _overridden(values, given)
    for key, value in resolved.items():
        check(key, value, conditional)
    for key in sorted(given.keys() - resolved.keys()):
        homes = " or ".join(show(condition) for condition, values in conditional if key in values)
        raise ValueError(f"{key} has no effect here; it needs {homes}")
    return resolved


def _refuse_twice(keys, condition):
    if keys:
        raise ValueError(f"conf.py sets {', '.join(sorted(keys))} twice, again under {condition}")


def choices(value):
    """The values that a condition's `value` allows."""
    return value if isinstance(value, tuple) else (value,)


def _overridden(values, given):
    """`values` with those that `given` has as text, each of the type that it has in this place of conf.py."""
    return {key: typed(key, given[key], value) if key in given else value for key, value in values.items()}


def parse(arguments, known):
    """["key=value", ...] -> dict, each value of the type that `known` gives its key."""
    return {key: typed(key, text, known[key]) for key, text in split(arguments, known).items()}


def split(arguments, known):
    """["key=value", ...] -> {key: text}; ValueError for what has another form, is not in `known` or comes twice."""
    overrides = {}
    for argument in arguments:
        key, separator, text = argument.partition("=")
        if not separator:
            raise ValueError(f"expected key=value, got {argument!r}; --help lists the keys")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            raise ValueError(f"no key {key!r}" + (f"; did you mean {near[0]!r}?" if near else "; --help lists them"))
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
        kind = f"a list of {type(example[0]).__name__}" if isinstance(example, list) else f"a {type(example).__name__}"
        raise ValueError(f"{key} is {kind}, as in {key}={show_value(example)}; got {text!r}")
    return value


def _widened(value, example):
    """A whole number where conf.py has a float, as a float."""
    try:
        return float(value) if type(value) is int and isinstance(example, float) else value
    except OverflowError:
        return math.inf


def check(key, value, conditional):
    """ValueError if the value breaks the key's rule, or is text that no condition on the key names."""
    if value == []:
        raise ValueError(f"{key} must not be an empty list")
    test, rule = RULES.get(key, ANY)
    items = value if isinstance(value, list) else [value]
    try:
        holds = all(test(item) for item in items)
    except (TypeError, AttributeError):  # conf.py itself has another type
        holds = False
    if not holds:
        raise ValueError(f"{key} {rule}, got {value!r}")
    answers = {answer for condition, _ in conditional if key in condition for answer in choices(condition[key])}
    if isinstance(value, str) and answers and value not in answers and RULES.get(key, ANY) is ANY:
        raise ValueError(f"{key} must be one of {', '.join(sorted(map(repr, answers)))}, got {value!r}")


def refuse_unread(settings):
    """ValueError for a key of conf.py that no code reads, which would change nothing."""
    for key in settings.keys() - RULES.keys():
        near = difflib.get_close_matches(key, RULES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"conf.py sets {key!r}, which nothing reads{hint}")


def show(condition):
    return " ".join(f"{key}={'|'.join(map(show_value, choices(value)))}" for key, value in condition.items())


def show_value(value):
    return value if isinstance(value, str) else repr(value).replace(" ", "")
