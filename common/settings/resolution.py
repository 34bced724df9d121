"""What a run uses: conf.py's config and its net's dict, the overrides that apply, the command line, and defaults.

conf.py is data: `config`, one flat dict for each net, named as the net, and `columns`, its overrides, {condition:
values}: they replace values, or add some, where their condition holds, as "net=convnet surrogate=atan|rectangle".
What no place sets has the default that its part gives it in common.
"""


from common.build import ALWAYS, REGISTRIES
from common.choices import one_of
from common.settings.arguments import meant, show_value, split, typed
from common.settings.keys import KEYS, ONLY_WITH, WITHOUT_EFFECT

LARGEST = (2 - 2**-23) * 2.0**127  # float32's
OPTIONS = {key for registry in REGISTRIES.values() for choice in registry.values() for key in choice.options}
NEW_KEY = ("; if code of yours is to read it, name it there: an option of a part in the part's registry, any other key "
           "with its range in common/settings/keys.py")
FIRST = REGISTRIES.keys() - OPTIONS  # parts that every run chooses; others, as the neuron, are an option of a part


def resolve(conf, arguments=(), case=None):
    """The one flat dict of a run; conf, a module or what has its names, is left as it is.

    arguments: "key=value".  case: a key of conf.cases, whose values stand where no argument does.
    ValueError if conf.py sets a key in two places, or one that is unknown or without effect where it stands; if a value
    has another type than conf.py gives it or lies outside its range; and if an argument would have no effect.
    """
    examples = known(conf)
    asked = split(arguments, examples)
    given = _of_case(conf, case, examples) | asked
    _refuse_idle(conf, given)
    settings = _chosen(conf, given)
    for condition, values in columns(conf).items():
        if holds(condition, settings):
            settings |= _overridden(values, given)
    new = {key: example for key, example in examples.items() if key in given.keys() - settings and _readers(conf, key)}
    settings = effective(completed(settings | _overridden(new, given)))
    for key in sorted(asked.keys() - settings.keys()):
        raise ValueError(f"{key} has no effect here; it needs {_needed(conf, key)}")
    for key in asked.keys() & WITHOUT_EFFECT:
        if holds(WITHOUT_EFFECT[key], settings):
            raise ValueError(f"{key} has no effect with {show(WITHOUT_EFFECT[key])}")
    check(settings)
    return settings


def _of_case(conf, case, examples):
    """{key: text} of what a case of conf.py brings; the name itself where conf.py has a key for it."""
    if case is None:
        return {}
    said = [f"case={case}"] if "case" in conf.config else []
    return split([*said, *(f"{key}={show_value(value)}" for key, value in conf.cases[case].items())], examples)


def _chosen(conf, given):
    """config and its net's dict, both with what is given."""
    config = _overridden(conf.config, given)
    if not isinstance(getattr(conf, config["net"], None), dict) or config["net"] not in REGISTRIES["net"]:
        raise ValueError(f"net {one_of(*nets_of(conf)).text}, got {config['net']!r}")
    own = getattr(conf, config["net"])
    if twice := sorted(own.keys() & config.keys()):
        raise ValueError(f"conf.py sets {', '.join(twice)} twice, in config and in {config['net']}")
    return config | _overridden(own, given)


def nets_of(conf):
    """The nets that a conf.py has a dict for."""
    return [net for net in REGISTRIES["net"] if isinstance(getattr(conf, net, None), dict)]


def offered(conf):
    """The registries that choices of this conf.py can lead to, of nets those that it has."""
    registries = REGISTRIES | {"net": {net: REGISTRIES["net"][net] for net in nets_of(conf)}}
    found, reached = {}, set(FIRST)
    while new := registries.keys() & reached - found.keys():
        found |= {key: registries[key] for key in new}
        reached |= {option for key in new for choice in registries[key].values() for option in choice.options}
    return {key: registry for key, registry in registries.items() if key in found}


def columns(conf):
    return getattr(conf, "columns", {})


def _refuse_idle(conf, given):
    """ValueError for a key of conf.py that nothing reads, or that its net's dict cannot use as it stands there."""
    read = {*KEYS, *REGISTRIES, *ALWAYS.options, *OPTIONS}
    unread = [key for key in written(conf) if key not in read]
    if unread:
        hint = meant(unread[0], known(conf).keys() - {unread[0]} | KEYS.keys())
        raise ValueError(f"conf.py sets {unread[0]!r}, which nothing reads{hint}{NEW_KEY}")
    settings = _chosen(conf, {"net": given["net"]} if "net" in given else {})
    used = effective(settings)
    for key in getattr(conf, settings["net"]):
        if key not in used:
            raise ValueError(f"conf.py: {key} in {settings['net']} has no effect there; it needs {_needed(conf, key)}; "
                             "take it out, or leave conf.py as it was and type the change on the command line")


def written(conf):
    """{key: a value} of all that conf.py sets somewhere."""
    sections = [*columns(conf).values(), *(getattr(conf, net) for net in nets_of(conf)), conf.config]
    return {key: value for section in sections for key, value in section.items()}


def known(conf):
    """{key: a value of its type} of all that can be said on the command line."""
    choices = [ALWAYS, *(choice for registry in offered(conf).values() for choice in registry.values())]
    defaults = {key: option.default for choice in choices for key, option in choice.options.items()}
    return {key: value for key, value in (defaults | written(conf)).items() if value is not None}


def options_of(settings):
    """{key: Option} of all that the choices in these settings read."""
    found = dict(ALWAYS.options)
    for key, registry in REGISTRIES.items():
        if (key in FIRST or key in found) and settings.get(key) in registry:
            options = registry[settings[key]].options
            found |= {name: option for name, option in options.items() if holds(option.when, settings)}
    return found


def completed(settings):
    """The settings, and by default the options of their choices that are not set."""
    settings = dict(settings)
    for _ in range(3):  # an option may be a choice itself, or depend on another one
        settings |= {key: option.default for key, option in options_of(settings).items() if key not in settings}
    return settings


def effective(settings):
    """The settings without options of what is not chosen."""
    idle = {key for key, (other, value) in ONLY_WITH.items() if settings.get(other, value) != value}
    used = (KEYS.keys() | options_of(settings) | FIRST) - idle
    return {key: value for key, value in settings.items() if key in used}


def holds(condition, settings):
    """Whether settings are as a condition says: "key=value key=value|value", or {key: value, or a tuple of values}."""
    if isinstance(condition, str):
        pairs = [pair.split("=", 1) for pair in condition.split()]
        return all(key in settings and show_value(settings[key]) in values.split("|") for key, values in pairs)
    return all(settings.get(key) in value if isinstance(value, tuple) else settings.get(key) == value
               for key, value in condition.items())


def _readers(conf, key):
    """[what has to be chosen for `key` to be read], as text."""
    return [" ".join([f"{name}={answer}", show(choice.options[key].when)]).strip()
            for name, registry in offered(conf).items() for answer, choice in registry.items() if key in choice.options]


def _needed(conf, key):
    """What brings a key, as text."""
    if key in ONLY_WITH:
        return "=".join(ONLY_WITH[key])
    nets = [f"net={net}" for net in nets_of(conf) if key in getattr(conf, net)]
    found = _readers(conf, key) or nets or [condition for condition, values in columns(conf).items() if key in values]
    return " or ".join(found)


def _overridden(values, given):
    """`values` with those that `given` has as text, each of the type that it has in this place of conf.py."""
    return {key: typed(key, given[key], value) if key in given else value for key, value in values.items()}


def check(settings):
    """ValueError for a value that breaks its key's rule, or that is not there and has no default."""
    options = options_of(settings)
    for key, value in settings.items():
        if key not in REGISTRIES | options | KEYS:
            raise ValueError(f"these settings have {key!r}, which nothing reads")
        rule = one_of(*REGISTRIES[key]) if key in REGISTRIES else options[key].rule if key in options else KEYS[key]
        if value is None:
            raise ValueError(f"these settings need {key}, which conf.py does not set for them")
        if isinstance(value, list) and not value:
            raise ValueError(f"{key} must not be an empty list")
        items = value if isinstance(value, list) else [value]
        if not _is_allowed(rule, items):
            raise ValueError(f"{key} {rule.text}, got {value!r}")
        if any(isinstance(item, float) and abs(item) > LARGEST for item in items):
            raise ValueError(f"{key} must lie within what float32 holds, {LARGEST:.2g}, got {value!r}")


def _is_allowed(rule, items):
    try:
        return all(rule.test(item) for item in items)
    except (TypeError, ValueError, AttributeError):  # conf.py itself has another type
        return False


def show(condition):
    """{key: value, or a tuple of values} as one would type it."""
    return " ".join(f"{key}={'|'.join(map(show_value, value if isinstance(value, tuple) else (value,)))}"
                    for key, value in condition.items())
