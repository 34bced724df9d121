"""SIGINT and SIGTERM: a run saves what it has before it stops, and says how to go on."""

import contextlib
import shlex
import signal
import sys
import threading
from os.path import relpath


class Interrupted(BaseException):
    """A signal asked the run to stop, which is no error; `signum` says which."""

    def __init__(self, signum):
        super().__init__(signal.Signals(signum).name)
        self.signum = signum


def raise_interrupted(number, frame):
    """A signal handler that stops at once."""
    raise Interrupted(number)


def stop_hook(signals):
    """A hook that raises Interrupted once `signals`, a list as of stop_signals, has received one."""

    def hook():
        if signals:
            raise Interrupted(signals[0])

    return hook


@contextlib.contextmanager
def stop_signals():
    """Catch SIGINT and SIGTERM; yields a list that receives the first.  A second one has its usual effect."""
    if threading.current_thread() is not threading.main_thread():
        yield []
        return
    caught, usual = [], {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore():
        for number, handler in usual.items():
            signal.signal(number, handler)

    def catch(number, _):
        caught.append(number)
        restore()

    for number in usual:
        signal.signal(number, catch)
    try:
        yield caught
    finally:
        restore()


@contextlib.contextmanager
def hinting(what, command, path):
    """Say which command to type when what happens inside is stopped or fails."""
    try:
        yield
    except BaseException:
        print(f"{what}: {shlex.join(['python', sys.argv[0], f'{command}={relpath(path)}'])}", file=sys.stderr)
        raise
