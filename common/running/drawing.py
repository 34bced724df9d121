"""A run's figures: drawn once, and none that an older, shorter run left behind."""

import functools
import hashlib
import json
from os.path import relpath

from common.atomic import write
from common.errors import foreign, told
from common.running import record
from common.running.signals import hinting
from common.training.loop import Diverged

SUFFIXES = (".png", ".mp4", ".gif", ".html")  # of what the tasks draw; a user's own .pdf stays


def once(path, shown, draw, anew=False):
    """Call draw(), which fills path/figures, unless that was done of the same `shown`; what it held goes before.

    draw: says whether it drew all.
    shown: of JSON, the settings and results in the figures; figures/.drawn keeps its hash.
    anew: draw in any case, and let what is there stand until it is replaced.
    """
    figures = path / "figures"
    drawn, digest = figures / ".drawn", hashlib.sha256(json.dumps(shown).encode()).hexdigest()
    if not anew and drawn.exists() and drawn.read_text() == digest:
        print("its figures are there; evaluate= draws them again")
        return
    stale = [] if anew else [file for file in figures.glob("*") if file.suffix in SUFFIXES]
    for file in stale:
        file.unlink()
    drawn.unlink(missing_ok=True)
    if draw():
        write(drawn, digest.encode())


def conclude(prepared, path, net, result, anew=False):
    """Print a run's result in words, and draw its figures, unless they are there or to be drawn anew.

    Diverged if every trial has diverged.
    """
    task, settings, data, encode, _ = prepared
    diverged = "; ".join(f"trial {k}: {line['diverged']}" for k, line in enumerate(result["trials"])
                         if "diverged" in line)
    if not (lines := record.survivors(result)):
        raise Diverged(diverged)
    if diverged:
        print(f"diverged: {diverged}")
    result = result | {"trials": list(lines.values())}
    with foreign(f"{path / 'result.json'} is damaged"):
        print(task.conclude(result), flush=True)
    draw = functools.partial(task.draw, path, settings, data, net, encode, result)
    with hinting("the run is finished; to draw its figures", "evaluate", path), told("figures are not drawn"):
        once(path, [settings, result], draw, anew)
    print(f"figures and results: {relpath(path)}")
