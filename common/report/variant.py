"""A run's settings in few words."""

from common.settings.resolution import holds

# What is said of every run: key -> the value that goes without saying; None: each is said
UNSAID = {
    "neuron": None, "spike": None, "recurrent": False, "learn_tau": False, "learn_threshold": False,
    "per_neuron": False,
    "tau": None, "tau_penalty": 0.0, "tau_penalty_on": "tau", "learn_surrogate": False,
    "hidden_sizes": None, "channels": None, "num_layers": None,
    "dt_ms": None, "window_ms": 0.0, "values": "count", "normalization": "none",
    "augment": False, "rate_limit": 0.0, "val_split": "random",
}
KIND = ("net", "binarize", "threshold_schedule", "select_on")  # told by columns; these take other settings with them
ELSEWHERE = {"exp_name", "num_trials", "seed", "data_dir", "source", "subset", "device", "num_epochs"}
PHRASES = {
    "neuron": "{}", "spike": "{}", "binarize": "binarized", "hidden_sizes": "{} hidden", "dt_ms": "{} ms",
    "window_ms": "first {} ms", "subset": "{} recordings", "num_epochs": "{} epochs", "select_on": "best on {}",
}


def differing(configs):
    """{kind of run: the keys in which runs of it differ}, of these config.json."""
    first, found = {}, {}
    for config in configs:
        kind = _kind(config)
        values, keys = first.setdefault(kind, {}), found.setdefault(kind, set())
        keys.update(key for key, value in config["settings"].items()
                    if key not in ELSEWHERE and values.setdefault(key, value) != value)
    return found


def variant(config, differing):
    """What tells the run of this config.json from others, as text; differing: of those, as differing() gives it."""
    settings, told = config["settings"], differing.get(_kind(config), set()) - UNSAID.keys()
    said = [key for key in UNSAID if key in settings] + [key for key in settings if key in told]
    return describe({key: settings[key] for key in said}, UNSAID)


def _kind(config):
    return repr([config["directory"], *(config["settings"].get(key) for key in KIND)])


def describe(settings, unsaid):
    """The `settings` as text, without those that are as in `unsaid`, where a tuple is a choice; empty if all are."""
    return ", ".join(_phrase(key, value) for key, value in settings.items()
                     if key not in unsaid or not holds({key: unsaid[key]}, settings))


def _phrase(key, value):
    if value is True and key not in PHRASES:
        return key
    if (key, value) == ("select_on", "last"):
        return "last epoch"
    items = value if isinstance(value, list) else [value]
    return PHRASES.get(key, key + "={}").format("-".join(str(item).removesuffix(".0") for item in items))
