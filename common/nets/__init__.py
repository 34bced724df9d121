"""Networks, and the one function that reads their settings from a config."""

from torch import nn

from common import surrogate
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP, ThaMLP
from common.neurons import SPSN, LeakyIntegrator, ParaLIF, RecurrentParaLIF, SynapticLIF


def build(config, in_shape, num_classes):
    """The untrained network that config["net"] names."""
    if config["net"] == "convnet":
        return ConvNet(in_shape, num_classes, channels=config["channels"], binarize=config["binarize"], **_lif(config))
    if config["net"] == "tha_mlp":
        sizes = [*in_shape, *config["hidden_sizes"], num_classes]
        return ThaMLP(sizes, binarized=config["binarize"], readout=config["readout"], **_lif(config))
    if config["net"] == "mlp":
        hidden = [_neuron(config, size) for size in config["hidden_sizes"]]
        readout = nn.Identity() if config["neuron"] == "non_spiking" else LeakyIntegrator(**_times(config))
        return MLP([*in_shape, *config["hidden_sizes"], num_classes], hidden, readout, config["binarize"])
    raise ValueError(f"net must be 'convnet', 'tha_mlp' or 'mlp', got {config['net']!r}")


def _lif(config):
    """What the nets of threshold annealing share."""
    return {key: config[key] for key in ("beta", "thresholds", "reset", "dropout")} | {
        "surrogate": surrogate.build(config)}


def _times(config):
    """The time constants and the step, in seconds."""
    return {name: config[f"{name}_ms"] / 1000 for name in ("tau_syn", "tau_mem", "dt")}


def _neuron(config, size):
    """A hidden layer of `size` of the neurons that config["neuron"] names."""
    kind, _, spike = config["neuron"].partition("_")
    if config["neuron"] == "non_spiking":
        return nn.ReLU()
    if config["neuron"] == "lif":
        return SynapticLIF(**_times(config), surrogate=surrogate.build(config))
    if kind == "spsn":
        return SPSN(**_times(config), spike=spike.upper())
    learn = [name for name in ("tau", "threshold") if config.get(f"learn_{name}")]
    options = {"spike": spike.upper(), "learn": learn, "shape": (size,) if config.get("per_neuron") else ()}
    if config["recurrent"]:
        return RecurrentParaLIF(size, **_times(config), **options, hidden=config["recurrent_spike"])
    return ParaLIF(**_times(config), **options)
