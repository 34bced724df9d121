"""The networks that settings name: NETS, and the options of each."""

import math

from torch import nn

from common import nets
from common.build.neurons import NEURONS, SEGMENTS, SURROGATE, SYNAPSE, refuse_incomplete, spike_function, times
from common.choices import (
    AT_LEAST_ONE,
    AT_LEAST_ZERO,
    BELOW_ONE,
    BETWEEN,
    POSITIVE,
    SWITCH,
    Choice,
    Option,
    Rule,
    one_of,
)
from common.neurons import LIF, PLIF, LeakyIntegrator
from common.surrogate import LearntATan
from common.training import annealing


def net(settings, in_shape, num_classes):
    """The untrained network that settings["net"] names; ValueError if neurons of it lack what is asked of all."""
    made = NETS[settings["net"]].make(settings, in_shape, num_classes)
    for name, neuron in made.neurons.items():
        refuse_incomplete(name, neuron)
    return made


def _convnet(settings, in_shape, num_classes):
    options = _given(settings, "channels", "binarize", "precision", "batch_norm")
    return nets.ConvNet(in_shape, num_classes, **options, **_annealed(settings))


def _tha_mlp(settings, in_shape, num_classes):
    sizes = [*in_shape, *settings["hidden_sizes"], num_classes]
    return nets.SpikingMLP(sizes, binarized=settings["binarize"], readout=settings["readout"], **_annealed(settings))


def _mlp(settings, in_shape, num_classes):
    spiking = settings["neuron"] != "non_spiking"
    hidden = [NEURONS[settings["neuron"]].make(settings, size) for size in settings["hidden_sizes"]]
    readout = LeakyIntegrator(**times(settings)) if spiking else nn.Identity()
    return nets.MLP([*in_shape, *settings["hidden_sizes"], num_classes], hidden, readout, settings["binarize"],
                    start="kaiming" if spiking else "linear")


def _plifnet(settings, in_shape, num_classes):
    options = _given(settings, "channels", "num_layers", "hidden_size", "pool", "dropout", "binarize", "precision")
    return nets.PLIFNet(in_shape, num_classes, lambda shape: _plif(settings, shape), **options)


def _resnet19(settings, in_shape, num_classes):
    options = _given(settings, "threshold", "channels", "stem", "hidden_size", "readout", "binarize", "precision")
    neuron = _given(settings, "beta", "threshold", "reset", "detach_reset")
    return nets.ResNet19(in_shape, num_classes, lambda: LIF(surrogate=spike_function(settings), **neuron), **options)


def _annealed(settings):
    """What the nets of threshold annealing share."""
    return _given(settings, "beta", "thresholds", "reset", "dropout") | {"surrogate": spike_function(settings)}


def _plif(settings, shape):
    """A layer of PLIF neurons of this shape, with one tau or one for each."""
    spike = LearntATan(settings["alpha"]) if settings.get("learn_surrogate") else spike_function(settings)
    each = {"shape": shape, "tau_std": settings["tau_std"]} if settings["tau"] == "neuron" else {}
    learn = settings["tau"] != "fixed"
    return PLIF(settings["init_tau"], spike, **each, detach_reset=settings["detach_reset"], learn=learn)


def _given(settings, *keys):
    return {key: settings[key] for key in keys}


_BINARIZE = Option(None, SWITCH, "weights in {-1, +1}")
_BETA = Option(None, BETWEEN, "decay of the membrane per step")
_RESET = Option("subtract", one_of("subtract", "zero"), "how a spike resets: subtract the threshold | membrane to zero")
_DETACH = Option(False, SWITCH, "hide the spike's gradient at the reset")
_READOUT = Option("spikes", one_of("spikes", "membrane"), "what the loss sees of the last layer")
_CURRENT = _READOUT._replace(help="what the loss sees of the last layer; membrane: its current, with no neurons behind")
_PRECISION = Option("float32", one_of("float32", "bf16"),
                    "type that convolutions and linear layers compute in; bf16 is quicker with AMX")
_SCHEDULE = Option("none", one_of(*annealing.SCHEDULES), "how thresholds go to thresholds_final while training")
_ANNEALED = {
    "binarize": _BINARIZE, "beta": _BETA, "reset": _RESET, "surrogate": SURROGATE,
    "dropout": Option(None, BELOW_ONE, "fraction of currents dropped"),
    "thresholds": Option(None, POSITIVE, "at the start, one a layer"),
    "threshold_schedule": _SCHEDULE,
}
_LAYERS = {name: Option(None, AT_LEAST_ONE) for name in ("channels", "num_layers", "hidden_size", "stem")}
_SIZES = Option(None, AT_LEAST_ONE, "neurons of each hidden layer")
NETS = {  # functions of the settings, the shape of an input and the number of classes
    "convnet": Choice(
        _convnet, channels=_LAYERS["channels"], **_ANNEALED, precision=_PRECISION, checkpoint_steps=SEGMENTS,
        batch_norm=Option(True, SWITCH, "after each convolution")),
    "tha_mlp": Choice(
        _tha_mlp, hidden_sizes=_SIZES, **_ANNEALED, readout=_READOUT,
        checkpoint_steps=SEGMENTS._replace(when={"readout": "spikes"})),
    "mlp": Choice(_mlp, hidden_sizes=_SIZES, binarize=_BINARIZE, neuron=Option(None, one_of(*NEURONS)), **SYNAPSE),
    "plifnet": Choice(
        _plifnet, **{name: _LAYERS[name] for name in ("channels", "num_layers", "hidden_size")},
        binarize=_BINARIZE, precision=_PRECISION, detach_reset=_DETACH._replace(default=True),
        pool=Option("max", one_of("max", "average")),
        dropout=Option(None, BELOW_ONE, "fraction of both linear layers' inputs dropped"),
        tau=Option("layer", one_of("layer", "neuron", "fixed"), "time constants: one learnt for each layer | ..."),
        init_tau=Option(2.0, Rule(lambda value: 1 < value < math.inf, "must exceed 1 step and be finite"), "steps"),
        tau_std=Option(0.1, AT_LEAST_ZERO, "standard deviation of tau at the start, steps", {"tau": "neuron"}),
        tau_penalty=Option(0.0, AT_LEAST_ZERO, "lambda: adds lambda * sum over layers of Var(tau) to the loss",
                           {"tau": "neuron"}),
        tau_penalty_on=Option("tau", one_of("tau", "w"), "whose variance: tau | w = -log(tau - 1)", {"tau": "neuron"}),
        surrogate=SURROGATE._replace(default="atan"), threshold_schedule=_SCHEDULE,
        learn_surrogate=Option(False, SWITCH, "learn its steepness, in a plain loop", {"surrogate": "atan"})),
    "resnet19": Choice(
        _resnet19, **{name: _LAYERS[name] for name in ("channels", "stem", "hidden_size")},
        binarize=_BINARIZE, beta=_BETA, reset=_RESET._replace(default="zero"), detach_reset=_DETACH, readout=_CURRENT,
        threshold=Option(None, POSITIVE, "of all neurons at the start; tdBN scales their currents to this value, "
                         "which a threshold_schedule does not move"), precision=_PRECISION,
        surrogate=SURROGATE._replace(default="rectangle"), threshold_schedule=_SCHEDULE,
        surrogate_center=Option("threshold", one_of("threshold", "zero"), "where the rectangle's middle lies",
                                {"surrogate": "rectangle"})),
}
