"""Signals that stop a run: the first is caught, the handlers from before come back."""

import os
import signal
import threading

import pytest

from common.running import signals


@pytest.fixture(params=[signal.SIGINT, signal.SIGTERM])
def usual(request):
    """(signal, list of those that reached the handler from before)."""
    reached, before = [], {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda number, frame: reached.append(number))
    yield request.param, reached
    for number, handler in before.items():
        signal.signal(number, handler)


def test_the_first_signal_is_caught_and_the_second_is_not(usual):
    number, reached = usual
    with signals.stop_signals() as caught:
        os.kill(os.getpid(), number)
        assert (caught, reached) == ([number], [])
        os.kill(os.getpid(), number)
        assert (caught, reached) == ([number], [number])


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_handlers_are_restored(usual, error):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        with signals.stop_signals():
            assert signal.getsignal(signal.SIGINT) != handlers[0]
            if error:
                raise error
    except RuntimeError:
        assert error
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers


def test_another_thread_leaves_the_handlers_alone():
    found, before = [], signal.getsignal(signal.SIGINT)

    def work():
        with signals.stop_signals() as caught:
            found.append((caught, signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [([], before)]
