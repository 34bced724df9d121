"""Networks, and the one function that reads their settings from a config."""

from common import surrogate
from common.nets.convnet import ConvNet
from common.nets.mlp import ThaMLP


def build(config, in_shape, num_classes):
    """The untrained network that config["net"] names."""
    if config["net"] == "convnet":
        return ConvNet(
            in_shape,
            num_classes,
            channels=config["channels"],
            beta=config["beta"],
            thresholds=config["thresholds"],
            surrogate=surrogate.build(config),
            reset=config["reset"],
            dropout=config["dropout"],
            binarize=config["binarize"],
        )
    if config["net"] == "tha_mlp":
        return ThaMLP(
            [*in_shape, *config["hidden_sizes"], num_classes],
            beta=config["beta"],
            thresholds=config["thresholds"],
            surrogate=surrogate.build(config),
            reset=config["reset"],
            dropout=config["dropout"],
            binarize=config["binarize"],
            readout=config["readout"],
        )
    raise ValueError(f"net must be 'convnet' or 'tha_mlp', got {config['net']!r}")
