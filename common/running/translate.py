"""What older commits saved, in today's form: all that was renamed or added since is translated here, and only here."""

from common.errors import UserError
from common.settings.resolution import completed


class Saved(dict):
    """Settings that a file holds; UserError, naming the key, where they lack one."""

    def __missing__(self, key):
        raise UserError(f"config.json lacks {key} among the settings; put it back")


def settings(saved):
    """The settings of a run: a neuron's name said how it fires, and keys that came later stand at their defaults."""
    kind, _, spike = str(saved.get("neuron")).partition("_")
    fires = {"neuron": kind, "spike": spike} if kind in ("spsn", "paralif") and spike else {}
    return Saved(completed(saved | fires))


def state(saved, net):
    """A state_dict that an older commit may have saved, as one of `net`; the arguments stay as they are.

    A fixed threshold was not saved: it was, and is, what the settings say.  A learnt alpha was saved as its logarithm;
    Adam's moments of that serve as well, since their scale does not matter to it.
    """
    fixed = {name: value for name, value in net.state_dict().items() if name.endswith((".threshold", ".theta"))}
    logarithms = {name: value for name, value in saved.items() if name.endswith(".log_alpha")}
    alphas = {name.replace("log_alpha", "alpha"): value.exp() for name, value in logarithms.items()}
    return fixed | {name: value for name, value in saved.items() if name not in logarithms} | alphas


def progress(saved):
    """The fields of a Progress that an older commit may have saved: a score was a number, `recorded` lay among them."""
    score, recorded = saved["best_score"], {key: saved[key] for key in ("membrane", "threshold") if key in saved}
    others = {key: value for key, value in saved.items() if key not in recorded}
    return {"recorded": recorded} | others | {"best_score": score if isinstance(score, tuple) else (score,)}
