"""A net run over a sequence a segment at a time, so that training keeps the inner tensors of one segment only."""

import contextlib
import functools
from collections import OrderedDict
from itertools import islice

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from common.layers.tdbn import TDBatchNorm2d


class Segmented(nn.Module):
    """`net` on a sequence [T, B, ...] or events, in segments of `num_steps` steps: the same output and gradients.

    Each segment but the last is computed once more in the backward pass, so that a training step keeps the neurons'
    states at T / num_steps ends and all tensors of one segment: least with num_steps near sqrt(T).  Dropout draws other
    numbers than without segments, in both passes the same; running statistics move, and hooks see a segment, once.
    The sequence gets no gradient.  Every neuron is to be called as a module, for its hooks tell that it must be.
    ValueError for a net of which a segment cannot be computed from the one before.
    """

    def __init__(self, net, num_steps):
        super().__init__()
        assert num_steps >= 1, num_steps
        self.net, self.num_steps = net, num_steps
        self.neurons = {name: module for name, module in net.named_modules() if hasattr(module, "continued")}
        for name, module in net.named_modules():
            if isinstance(module, TDBatchNorm2d) or hasattr(module, "trace") and name not in self.neurons:
                raise ValueError(f"checkpoint_steps must be 0 for this net: {name}, a {type(module).__name__}, "
                                 "needs all steps at once")

    def forward(self, sequence):
        assert not getattr(sequence, "requires_grad", False), "the sequence gets no gradient"
        starts = range(0, sequence.shape[0], self.num_steps)
        parameters = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        outputs, carries = [], dict.fromkeys(self.neurons, ())
        for start in starts:
            part = _steps(sequence, slice(start, start + self.num_steps))
            if parameters and torch.is_grad_enabled() and start != starts[-1]:
                output, lengths, *tensors = _Recomputed.apply(self, part, *_packed(carries), *parameters)
                carries = _unpacked(lengths, tensors)
            else:
                output, carries = self.segment(part, carries)
            outputs.append(output)
        return torch.cat(outputs)

    def segment(self, part, carries):
        """(output of the steps in `part`, {neuron: what it hands on}), from what the segment before has handed on."""
        with _going_on(self.neurons, carries) as after:
            output = self.net(part)
        assert after.keys() == carries.keys(), f"not called as modules: {carries.keys() - after.keys()}"
        return output, after


def in_segments(net, num_steps):
    """The net as it is if `num_steps` is 0, else Segmented."""
    return Segmented(net, num_steps) if num_steps else net


class _Recomputed(torch.autograd.Function):
    """A segment that keeps its start alone.

    Unlike torch.utils.checkpoint, it leaves no graph of the forward pass, whose small nodes would lie in memory between
    the tensors and keep the gaps apart that these leave; so would its results, which are therefore copied at last.
    """

    @staticmethod
    def forward(ctx, segmented, part, lengths, *tensors):
        carried = tensors[: sum(lengths.values())]
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        ctx.rest = segmented, part, lengths, _generator_states(tensors[-1].device)
        output, after = segmented.segment(part, _unpacked(lengths, carried))
        lengths, *tensors = _packed(after)
        return output.clone(), lengths, *(x.clone() for x in tensors)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output, _, *grads):
        segmented, part, lengths, states = ctx.rest
        num_carried = sum(lengths.values())
        carried = [tensor.detach().requires_grad_() for tensor in ctx.saved_tensors[:num_carried]]
        with torch.enable_grad(), _drawing_again(states), _unseen(segmented.net):
            output, after = segmented.segment(part, _unpacked(lengths, carried))
        results = zip([output, *_packed(after)[1:]], [grad_output, *grads], strict=True)
        reached = [(result, grad) for result, grad in results if grad is not None and result.requires_grad]
        results, grads = zip(*reached, strict=True)
        inputs = [*carried, *ctx.saved_tensors[num_carried:]]
        found = torch.autograd.grad(results, inputs, grads, allow_unused=True)
        return None, None, None, *found


def _steps(sequence, steps):
    """The `steps`, a slice, of a sequence or of a batch of events."""
    return sequence[steps] if isinstance(sequence, torch.Tensor) else sequence.steps(steps)


def _packed(carries):
    """[{neuron: number of tensors}, and all tensors one after the other]."""
    return [{name: len(carry) for name, carry in carries.items()}, *(x for carry in carries.values() for x in carry)]


def _unpacked(lengths, tensors):
    tensors = iter(tensors)
    return {name: tuple(islice(tensors, length)) for name, length in lengths.items()}


@contextlib.contextmanager
def _going_on(neurons, carries):
    """While it lasts, each neuron goes on from its carry; yields a dict that receives what it hands on."""
    after, handles = {}, []

    def keep(name, neuron, inputs, result):
        output, after[name] = result
        return output

    for name, neuron in neurons.items():
        neuron.forward = functools.partial(neuron.continued, carry=carries[name])
        handles.append(neuron.register_forward_hook(functools.partial(keep, name), prepend=True))
    try:
        yield after
    finally:
        for neuron, handle in zip(neurons.values(), handles, strict=True):
            del neuron.forward
            handle.remove()


@contextlib.contextmanager
def _unseen(net):
    """While it lasts, running the net moves no buffer and calls no hook: it is a repetition."""
    kept = [(module, {key: getattr(module, key) for key in ("_buffers", "_forward_hooks", "_forward_pre_hooks")})
            for module in net.modules()]  # fmt: skip
    for module, _ in kept:
        module._buffers = {name: buffer.clone() for name, buffer in module._buffers.items()}
        module._forward_hooks, module._forward_pre_hooks = OrderedDict(), OrderedDict()
    try:
        yield
    finally:
        for module, attributes in kept:
            vars(module).update(attributes)


def _generator_states(device):
    """{device: state of its generator}, of the CPU and of `device`."""
    cuda = {device: torch.cuda.get_rng_state(device)} if device.type == "cuda" else {}
    return {torch.device("cpu"): torch.get_rng_state(), **cuda}


@contextlib.contextmanager
def _drawing_again(states):
    """While it lasts, torch draws the numbers that follow these states of generators."""
    with torch.random.fork_rng([device for device in states if device.type == "cuda"]):
        for device, state in states.items():
            torch.set_rng_state(state) if device.type == "cpu" else torch.cuda.set_rng_state(state, device)
        yield
