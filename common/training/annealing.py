"""Threshold annealing: firing thresholds that move while a network trains."""

import torch
from torch import nn

from common.choices import FRACTION, POSITIVE, Choice, Option


class Constant:
    """A schedule that leaves the thresholds as they are."""

    def step(self):
        pass


class ThresholdAnnealing:
    """theta <- theta + rate (final - theta), once per training iteration (exponential relaxation).

    neurons: modules with a buffer `threshold`.  thresholds_final: where each threshold goes, above 0.  anneal_rates:
    one for each, in [0, 1].  ValueError for other neurons, numbers or lengths.
    No gradient passes.  The thresholds themselves are the state: a network's state_dict, loaded after the schedule is
    made, resumes it.
    Source: snn-tha@f9c0b51 (arXiv 2201.11915); its `thr_final` is an increment, `thresholds_final` are not.
    """

    def __init__(self, neurons, thresholds_final, anneal_rates):
        finals, rates = thresholds_final, anneal_rates
        if not len(neurons) == len(finals) == len(rates):
            raise ValueError(f"{len(neurons)} layers need as many final thresholds and rates, got {finals}, {rates}")
        if not all(0 <= rate <= 1 for rate in rates) or not all(final > 0 for final in finals):
            raise ValueError(f"final thresholds must exceed 0 and rates lie in [0, 1], got {finals}, {rates}")
        for neuron in neurons:
            threshold = getattr(neuron, "threshold", None)
            if isinstance(neuron, nn.Module) and not any(threshold is buffer for buffer in neuron.buffers()):
                raise ValueError(f"threshold_schedule must be 'none': {type(neuron).__name__} here has no threshold, "
                                 "or learns it")
        self.layers = list(zip(neurons, finals, rates, strict=True))

    @torch.no_grad()
    def step(self):
        for neuron, final, rate in self.layers:
            neuron.threshold.add_(rate * (final - neuron.threshold))


class LinearAnnealing(ThresholdAnnealing):
    """theta moves by rate (final - initial theta) per training iteration, and stops at final."""

    def __init__(self, neurons, thresholds_final, anneal_rates):
        super().__init__(neurons, thresholds_final, anneal_rates)
        self.strides = [rate * abs(final - neuron.threshold.item()) for neuron, final, rate in self.layers]

    @torch.no_grad()
    def step(self):
        for (neuron, final, _), stride in zip(self.layers, self.strides, strict=True):
            neuron.threshold.add_((final - neuron.threshold).clamp(-stride, stride))


_TARGETS = {
    "thresholds_final": Option(None, POSITIVE, "where the thresholds go, one a layer"),
    "anneal_rates": Option(None, FRACTION,
                           "per iteration, fraction of what is left (exponential), of the whole way (linear)"),
}
SCHEDULES = {  # functions of the neurons
    "exponential": Choice(ThresholdAnnealing, **_TARGETS),
    "linear": Choice(LinearAnnealing, **_TARGETS),
    "none": Choice(lambda neurons: Constant()),
}
