"""Choices that settings name: a registry {answer: Choice} says what makes each, and which further keys it reads."""

import math
from collections.abc import Callable
from typing import NamedTuple


class Rule(NamedTuple):
    """test(value) -> whether the value is allowed; of a list, each item is tested.  text: "must ...".

    choices: the allowed values, where they can be listed.
    """

    test: Callable
    text: str
    choices: tuple = ()


class Option(NamedTuple):
    """A key that a choice reads.

    default: what holds where conf.py does not set the key; None: conf.py has to.  help: for --help.
    when: {key: value, or a tuple of them} of other settings, without which the option has no effect.
    """

    default: object
    rule: Rule
    help: str = ""
    when: dict = {}


class Choice:
    """An answer to a key of settings.  make: what it stands for.  options: {key: Option}, named as make's arguments."""

    def __init__(self, make, **options):
        self.make, self.options = make, options

    def arguments(self, settings):
        """{key: value} of its options in `settings`."""
        return {key: settings[key] for key in self.options if key in settings}


def one_of(*choices):
    return Rule(lambda value: value in choices, f"must be one of {', '.join(map(repr, choices))}", choices)


ANY = Rule(lambda value: True, "")
SWITCH = Rule(lambda value: isinstance(value, bool), "must be True or False", (True, False))
POSITIVE = Rule(lambda value: 0 < value < math.inf, "must exceed 0 and be finite")
AT_LEAST_ZERO = Rule(lambda value: 0 <= value < math.inf, "must be 0 or more and finite")
NOT_NEGATIVE = Rule(lambda value: isinstance(value, int) and 0 <= value < 2**63, "must be a whole number, 0 or more")
AT_LEAST_ONE = Rule(lambda value: isinstance(value, int) and 1 <= value < 2**63, "must be a whole number, 1 or more")
FRACTION = Rule(lambda value: 0 <= value <= 1, "must lie in [0, 1]")
BELOW_ONE = Rule(lambda value: 0 <= value < 1, "must lie in [0, 1)")
BETWEEN = Rule(lambda value: 0 < value < 1, "must lie in (0, 1)")
