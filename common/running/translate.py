"""What an older commit saved, as this one reads it: whatever was renamed or added since is so here, and only here."""


from common.settings.resolution import completed


def settings(saved):
    """The settings of a run: a neuron's name said how it fires, and keys that came later stand at their defaults."""
    kind, _, spike = str(saved.get("neuron")).partition("_")
    fires = {"neuron": kind, "spike": spike} if kind in ("spsn", "paralif") and spike else {}
    return completed(saved | fires)


def state(saved, net):
    """The state_dict of a network like `net` that an older commit may have saved; the arguments stay as they are.

    Neurons of a fixed threshold did not save it: it was, and is, what their settings say.  A learnt alpha was kept as
    its logarithm, by whose gradients' moments Adam goes on alike, as their scale is of no matter to it.
    """
    fixed = {name: value for name, value in net.state_dict().items() if name.endswith((".threshold", ".theta"))}
    logarithms = {name: value for name, value in saved.items() if name.endswith(".log_alpha")}
    alphas = {name.replace("log_alpha", "alpha"): value.exp() for name, value in logarithms.items()}
    return fixed | {name: value for name, value in saved.items() if name not in logarithms} | alphas


def progress(saved):
    """The progress of a trial: a score was a number."""
    score = saved["best_score"]
    return saved | {"best_score": score if isinstance(score, tuple) else (score,)}
