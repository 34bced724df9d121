"""What --help prints of a conf.py."""

import ast
import io
import textwrap
import tokenize

from common.build import REGISTRIES
from common.choices import one_of
from common.errors import foreign
from common.settings.arguments import show_value
from common.settings.keys import KEYS
from common.settings.resolution import columns, holds, known, offered, options_of, resolve

MEANINGS = {  # of keys of a run, where neither conf.py nor a part says it
    "num_steps": "time steps of a sample", "dt_ms": "duration of a step", "seed": "trial k runs with seed + k",
    "lr": "learning rate at the start", "batch_size": "samples in one training iteration",
    "num_epochs": "at most, in each trial", "patience": "epochs without a better score that end a trial; 0: never",
}


def help_text(conf, arguments=(), settings=None):
    """Every key of the run that conf.py, a module, and the arguments describe, with its value, what it may be and what
    it means; then the overrides that this net can meet, and the cases.

    settings: the run's, where a case decides them.
    """
    settings = settings or resolve(conf, arguments)
    with foreign(f"{conf.__file__} cannot be read"), tokenize.open(conf.__file__) as file:
        source = file.read()
    comments = comments_of(source, ("config", settings["net"], "columns"))
    own = [key for section in ("config", settings["net"]) for key in getattr(conf, section)]
    rest = [key for key in settings if key not in own]
    lines = [(conf.__doc__ or "").strip(), "", f"What runs with {' '.join(arguments) or 'conf.py as it stands'}:"]
    lines += [_line(conf, key, settings, comments) for key in own if key in settings]
    lines += ["", "... and what these choices bring:"] if rest else []
    lines += [_line(conf, key, settings, comments) for key in rest]
    if swapped := {condition: values for condition, values in columns(conf).items() if _concerns(condition, settings)}:
        lines += ["", "Overrides, values that apply where their condition holds:"]
        lines += [_wrapped(f"{condition}:", values) for condition, values in swapped.items()]
    if cases := getattr(conf, "cases", {}):
        lines += ["", "Short for several keys; case=all: each in turn, and all side by side:"]
        lines += [_wrapped(f"case={name}:", values) for name, values in cases.items()]
    return "\n".join(lines)


def _concerns(condition, settings):
    """Whether a condition can hold with the net of these settings."""
    return holds(" ".join(pair for pair in condition.split() if pair.startswith("net=")), settings)


def _line(conf, key, settings, comments):
    option = options_of(settings).get(key)
    rule = option.rule if option else one_of(*offered(conf)[key]) if key in REGISTRIES else KEYS[key]
    own = comments.get(key, "")
    comment = own or (option.help if option else "") or MEANINGS.get(key, "")
    others = [choice for choice in rule.choices if isinstance(choice, str) and choice not in comment
              and _needs_met(conf, key, choice)]
    if own and " | " not in own:  # it is of conf.py's value; with a | it has the others that make sense here
        comment = " | ".join([own, *(choice for choice in others if choice != settings[key])])
    elif not own and others not in ([], [settings[key]]):
        comment = ": ".join(filter(None, [comment, " | ".join(others)]))
    return f"  {key}={show_value(settings[key])}".ljust(42) + "  " + comment


def _needs_met(conf, key, choice):
    """Whether conf.py or a default has all that this answer to `key` reads."""
    options = REGISTRIES[key][choice].options if key in REGISTRIES else {}
    return all(option.default is not None or name in known(conf) for name, option in options.items())


def _wrapped(title, values):
    pairs = " ".join(f"{key}={show_value(value)}" for key, value in values.items()) or "conf.py as it stands"
    return f"  {title}\n" + textwrap.fill(pairs, 120, initial_indent=6 * " ", subsequent_indent=6 * " ",
                                          break_long_words=False, break_on_hyphens=False)


def comments_of(source, sections):
    """{key: comment} of every `"key": value` in the dicts of these names, of which the first with a comment counts.

    A comment belongs to the last key of its line; behind a dict that is all on one line, to none.
    """
    tree = ast.parse(source)
    named = [key for node in ast.walk(tree) if isinstance(node, ast.Dict) and node.lineno < node.end_lineno
             for key in node.keys if isinstance(key, ast.Constant)]
    keys = {key.lineno: key.value for key in sorted(named, key=lambda key: key.col_offset)}
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    comments = {token.start[0]: token.string.lstrip("# ") for token in tokens
                if token.type == tokenize.COMMENT and token.start[0] in keys}
    places = {ast.unparse(node.targets[0]): range(node.lineno, node.end_lineno + 1)
              for node in tree.body if isinstance(node, ast.Assign)}
    found = {}
    for line in (line for section in sections if section in places for line in places[section] if line in comments):
        found.setdefault(keys[line], comments[line])
    return found
