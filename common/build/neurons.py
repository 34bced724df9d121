"""The neurons that settings name for net=mlp: NEURONS, and the options of each."""

from types import NoneType

import torch
from torch import nn

from common.choices import (
    AT_LEAST_ONE,
    FRACTION,
    NOT_NEGATIVE,
    SWITCH,
    Choice,
    Option,
    Rule,
    one_of,
)
from common.neurons import SPSN, ParaLIF, RecurrentParaLIF, SynapticLIF
from common.neurons.spsn import SPIKES
from common.surrogate import SURROGATES


def _synaptic_lif(settings, size):
    return SynapticLIF(**times(settings), surrogate=spike_function(settings))


def _spsn(settings, size):
    return SPSN(**times(settings), spike=settings["spike"].upper())


def _paralif(settings, size):
    learn = [name for name in ("tau", "threshold") if settings.get(f"learn_{name}")]
    if settings["per_neuron"] and not learn:
        raise ValueError("per_neuron says for whom a value is learnt; it needs learn_tau=True or learn_threshold=True")
    shape = (size,) if settings["per_neuron"] else ()
    options = {**times(settings), "spike": settings["spike"].upper(), "learn": learn, "shape": shape}
    if settings.get("recurrent"):
        return RecurrentParaLIF(size, **options, hidden=settings["recurrent_spike"])
    return ParaLIF(**options)


def times(settings):
    """The time constants and the step, in seconds."""
    return {name: settings[f"{name}_ms"] / 1000 for name in ("tau_syn", "tau_mem", "dt")}


def spike_function(settings):
    """The surrogate that settings["surrogate"] names; with surrogate_center "zero" centred on a membrane of 0."""
    choice = SURROGATES[settings["surrogate"]]
    centre = [-settings["threshold"]] if settings.get("surrogate_center") == "zero" else []
    return choice.make(*choice.arguments(settings).values(), *centre)


def refuse_incomplete(name, neuron):
    """ValueError unless a layer of neurons, `name`, has what nets, figures and the record of a run ask of all neurons.

    See common/neurons/README.md.  A layer of torch.nn, as a rectifier, makes no spikes and needs nothing.
    """
    if type(neuron).__module__.startswith("torch.nn."):
        return
    faults = []
    if not callable(getattr(neuron, "trace", None)):
        faults.append("a method trace(current) -> (spikes, membrane)")
    if not isinstance(getattr(neuron, "threshold", ""), (torch.Tensor, float, int, NoneType)):
        faults.append("a threshold: a number, a buffer or, if none decides the spikes, None")
    if hasattr(neuron, "surrogate") and not callable(neuron.surrogate):
        faults.append(f"a surrogate that can be called, as FastSigmoid(5.0), instead of {neuron.surrogate!r}")
    if faults:
        raise ValueError(f"the neurons {name}, {type(neuron).__name__}, lack {' and '.join(faults)}: "
                         "see common/neurons/README.md")


SURROGATE = Option("fast_sigmoid", one_of(*SURROGATES), "ds/du")
SEGMENTS = Option(0, NOT_NEGATIVE, "steps of time in memory while training; near sqrt(num_steps) takes least; 0: all")
_MILLISECONDS = Rule(lambda value: 0 < value <= 1e5, "must lie in (0, 100000] (ms)")  # beyond, float32 has no decay
_DRAWN = tuple(name.lower() for name, (_, generation, _) in SPIKES.items() if generation in ("bernoulli", "gumbel"))
_COMPARED = tuple(name.lower() for name in SPIKES if name.lower() not in _DRAWN)
_REPEATS = Option(5, AT_LEAST_ONE, "times that the test set is read, each with other random spikes; the mean counts")
NEURONS = {  # the hidden neurons of net=mlp: functions of the settings and a layer's size
    "lif": Choice(
        _synaptic_lif, surrogate=SURROGATE,
        checkpoint_steps=SEGMENTS._replace(when={"rate_limit": 0.0})),  # its firing rates are over all steps
    "spsn": Choice(
        _spsn, eval_repeats=_REPEATS,
        spike=Option("sb", one_of("sb", "gs"), "sb: sigmoid-Bernoulli | gs: Gumbel-softmax")),
    "paralif": Choice(
        _paralif, eval_repeats=_REPEATS._replace(when={"spike": _DRAWN}),
        spike=Option("d", one_of(*map(str.lower, SPIKES)), "normalisation of the membrane and generation of spikes"),
        learn_tau=Option(False, SWITCH, "learn the two time constants of each hidden layer"),
        learn_threshold=Option(False, SWITCH, "learn the threshold of each hidden layer", {"spike": _COMPARED}),
        per_neuron=Option(False, SWITCH, "learn one value for each neuron, not for each layer"),
        recurrent=Option(False, SWITCH, "hidden neurons see each other's spikes of the step before, by float weights",
                         {"binarize": False}),
        recurrent_spike=Option("spike", one_of("spike", "relu"), "spike | relu: of the membrane without it",
                               {"recurrent": True})),
    "non_spiking": Choice(lambda settings, size: nn.ReLU()),
}
_FIRING = {"neuron": tuple(name for name in NEURONS if name != "non_spiking")}
SYNAPSE = {  # options of a net whose hidden neurons fire
    "tau_syn_ms": Option(20.0, _MILLISECONDS, "time constant of the synapse", _FIRING),
    "tau_mem_ms": Option(20.0, _MILLISECONDS, "... and of the membrane", _FIRING),
    "rate_limit": Option(0.0, FRACTION, "mean hidden firing rate above which the loss has a penalty; 0: none", _FIRING),
}
