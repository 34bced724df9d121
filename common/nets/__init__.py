"""Networks: each has its connections in `synapses` and its layers of neurons in `neurons`, by name."""

from common.nets.convnet import ConvNet
from common.nets.mlp import MLP, SpikingMLP
from common.nets.plifnet import PLIFNet
from common.nets.resnet19 import ResNet19

__all__ = ["ConvNet", "MLP", "PLIFNet", "ResNet19", "SpikingMLP"]
