"""A run's settings in few words."""

# What tells runs of one net apart: key -> the value that goes without saying; None: each is said
UNSAID = {
    "neuron": None, "recurrent": False, "learn_tau": False, "learn_threshold": False, "per_neuron": False,
    "tau": None, "tau_penalty": 0.0, "tau_penalty_on": "tau", "learn_surrogate": False,
    "hidden_sizes": None, "channels": None, "num_layers": None,
    "dt_ms": None, "window_ms": 0.0, "values": "count", "normalization": "none",
    "augment": False, "rate_limit": 0.0, "val_split": "random",
}  # fmt: skip
PHRASES = {
    "neuron": "{}", "binarize": "binarized", "hidden_sizes": "{} hidden", "dt_ms": "{} ms", "window_ms": "first {} ms",
    "subset": "{} recordings", "num_epochs": "{} epochs", "select_on": "best on {}",
}  # fmt: skip


def variant(settings):
    """What of `settings` tells a run from others of its net, as text."""
    return describe({key: settings[key] for key in UNSAID if key in settings}, UNSAID)


def describe(settings, unsaid):
    """The `settings` as text, without those that are as in `unsaid`; empty if all are."""
    return ", ".join(_phrase(key, value) for key, value in settings.items()
                     if key not in unsaid or unsaid[key] != value)  # fmt: skip


def _phrase(key, value):
    if value is True and key not in PHRASES:
        return key
    items = value if isinstance(value, list) else [value]
    return PHRASES.get(key, key + "={}").format("-".join(str(item).removesuffix(".0") for item in items))
