"""Networks, and the one function that reads their settings from a config."""

from torch import nn

from common import surrogate
from common.nets.convnet import ConvNet
from common.nets.mlp import MLP, ThaMLP
from common.nets.plifnet import PLIFNet
from common.nets.resnet19 import ResNet19
from common.neurons import LIF, PLIF, SPSN, LeakyIntegrator, ParaLIF, RecurrentParaLIF, SynapticLIF


def build(config, in_shape, num_classes):
    """The untrained network that config["net"] names."""
    if config["net"] == "convnet":
        options = {key: config[key] for key in ("channels", "binarize")} | _precision(config)
        return ConvNet(in_shape, num_classes, batch_norm=config.get("batch_norm", True), **options, **_lif(config))
    if config["net"] == "tha_mlp":
        sizes = [*in_shape, *config["hidden_sizes"], num_classes]
        return ThaMLP(sizes, binarized=config["binarize"], readout=config["readout"], **_lif(config))
    if config["net"] == "mlp":
        hidden = [_neuron(config, size) for size in config["hidden_sizes"]]
        readout = nn.Identity() if config["neuron"] == "non_spiking" else LeakyIntegrator(**_times(config))
        start = "linear" if config["neuron"] == "non_spiking" else "kaiming"
        return MLP([*in_shape, *config["hidden_sizes"], num_classes], hidden, readout, config["binarize"], start)
    if config["net"] == "plifnet":
        options = {key: config[key] for key in (
            "channels", "num_layers", "hidden_size", "pool", "dropout", "binarize")} | _precision(config)  # fmt: skip
        return PLIFNet(in_shape, num_classes, lambda shape: _plif(config, shape), **options)
    if config["net"] == "resnet19":
        options = {key: config[key] for key in (
            "threshold", "channels", "stem", "hidden_size", "readout", "binarize")} | _precision(config)  # fmt: skip
        return ResNet19(in_shape, num_classes, lambda: _lif_layer(config), **options)
    raise ValueError(f"net must be 'convnet', 'tha_mlp', 'mlp', 'plifnet' or 'resnet19', got {config['net']!r}")


def _lif(config):
    """What the nets of threshold annealing share."""
    return {key: config[key] for key in ("beta", "thresholds", "reset", "dropout")} | {
        "surrogate": surrogate.build(config)}


def _precision(config):
    return {"precision": config.get("precision", "float32")}


def _lif_layer(config):
    """A layer of LIF neurons, all of one threshold."""
    return LIF(config["beta"], config["threshold"], surrogate.build(config), config["reset"], config["detach_reset"])


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
    if config.get("recurrent"):
        return RecurrentParaLIF(size, **_times(config), **options, hidden=config["recurrent_spike"])
    return ParaLIF(**_times(config), **options)


def _plif(config, shape):
    """A layer of PLIF neurons of this shape, with one tau or one for each."""
    learnt = config.get("learn_surrogate", False)  # of ATan alone
    return PLIF(
        config["init_tau"], surrogate.LearntATan(config["alpha"]) if learnt else surrogate.build(config),
        **({"shape": shape, "tau_std": config["tau_std"]} if config["tau"] == "neuron" else {}),
        detach_reset=config["detach_reset"], learn=config["tau"] != "fixed")  # fmt: skip
