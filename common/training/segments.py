"""A net run over a sequence a segment at a time, so that training keeps the inner tensors of one segment only."""

import contextlib
from itertools import islice

import torch
from torch import nn
from torch.autograd.function import once_differentiable

from common.layers.tdbn import TDBatchNorm2d
from common.sequence import UNRECORDED, Recorder


class Segmented(nn.Module):
    """`net` on a sequence [T, B, ...] or events, in segments of `num_steps` steps: the same output and gradients.

    Each segment but the last is computed once more in the backward pass, so that a training step keeps in memory all
    tensors of one segment, and of the others the neurons' states at their ends: the least with num_steps near sqrt(T).
    Dropout draws other numbers than without segments, in both passes the same; running statistics move once, and a
    recorder is told once.  Neither the sequence nor what a recorder is told gets a gradient.  ValueError for a net of
    which a segment cannot be computed from the one before.
    """

    def __init__(self, net, num_steps):
        super().__init__()
        assert num_steps >= 1, num_steps
        self.net, self.num_steps = net, num_steps
        modules = [(name, module) for name, module in net.named_modules() if hasattr(module, "continued")]
        self.names = {name.rpartition(".")[2] for name, _ in modules}  # layers that hand on state
        for name, module in net.named_modules():
            if isinstance(module, TDBatchNorm2d) or hasattr(module, "trace") and (name, module) not in modules:
                raise ValueError(f"checkpoint_steps must be 0 for this net: {name}, a {type(module).__name__}, "
                                 "needs all steps at once")

    def forward(self, sequence, record=UNRECORDED):
        assert not getattr(sequence, "requires_grad", False), "the sequence gets no gradient"
        starts = range(0, sequence.shape[0], self.num_steps)
        parameters = [parameter for parameter in self.net.parameters() if parameter.requires_grad]
        outputs, carries = [], {}
        for start in starts:
            part = _steps(sequence, slice(start, start + self.num_steps))
            if parameters and torch.is_grad_enabled() and start != starts[-1]:
                output, lengths, *tensors = _Recomputed.apply(self, record, part, *_packed(carries), *parameters)
                carries = _unpacked(lengths, tensors)
            else:
                output, carries = self.segment(part, carries, record)
            outputs.append(output)
        return torch.cat(outputs)

    def segment(self, part, carries, record=UNRECORDED):
        """(output of the steps in `part`, {neurons: what they hand on}), from what the segment before has handed on."""
        going_on = _GoingOn(carries, record)
        output = self.net(part, going_on)
        assert going_on.after.keys() == self.names, f"not run by the recorder: {self.names - going_on.after.keys()}"
        return output, going_on.after


class _GoingOn(Recorder):
    """Runs neurons from their `carries` and keeps what they hand on in `after`; tells another recorder the rest."""

    needs = "tensors"

    def __init__(self, carries, record):
        self.carries, self.after = carries, {}
        self.start, self.inputs, self.spikes = record.start, record.inputs, record.spikes

    def run(self, name, neuron, current):
        if not hasattr(neuron, "continued"):  # a rectifier
            return neuron(current)
        spikes, self.after[name] = neuron.continued(current, self.carries.get(name, ()))
        return spikes


def in_segments(net, num_steps):
    """The net as it is if `num_steps` is 0, else Segmented."""
    return Segmented(net, num_steps) if num_steps else net


class _Recomputed(torch.autograd.Function):
    """A segment that keeps its start alone.

    Unlike torch.utils.checkpoint, it leaves no graph of the forward pass, whose small nodes would lie in memory between
    the tensors and keep the gaps apart that these leave; so would its results, which are therefore copied at last.
    """

    @staticmethod
    def forward(ctx, segmented, record, part, lengths, *tensors):
        carried = tensors[: sum(lengths.values())]
        ctx.save_for_backward(*tensors)
        ctx.set_materialize_grads(False)
        ctx.rest = segmented, part, lengths, _generator_states(tensors[-1].device)
        output, after = segmented.segment(part, _unpacked(lengths, carried), record)
        lengths, *tensors = _packed(after)
        return output.clone(), lengths, *(x.clone() for x in tensors)

    @staticmethod
    @once_differentiable
    def backward(ctx, grad_output, _, *grads):
        segmented, part, lengths, states = ctx.rest
        num_carried = sum(lengths.values())
        carried = [tensor.detach().requires_grad_() for tensor in ctx.saved_tensors[:num_carried]]
        with torch.enable_grad(), _drawing_again(states), _buffers_kept(segmented.net):
            output, after = segmented.segment(part, _unpacked(lengths, carried))
        results = zip([output, *_packed(after)[1:]], [grad_output, *grads], strict=True)
        reached = [(result, grad) for result, grad in results if grad is not None and result.requires_grad]
        results, grads = zip(*reached, strict=True)
        inputs = [*carried, *ctx.saved_tensors[num_carried:]]
        found = torch.autograd.grad(results, inputs, grads, allow_unused=True)
        return None, None, None, None, *found


def _steps(sequence, steps):
    """The `steps`, a slice, of a sequence or of a batch of events."""
    return sequence[steps] if isinstance(sequence, torch.Tensor) else sequence.steps(steps)


def _packed(carries):
    """[{neurons: number of tensors}, and all tensors one after the other]."""
    return [{name: len(carry) for name, carry in carries.items()}, *(x for carry in carries.values() for x in carry)]


def _unpacked(lengths, tensors):
    tensors = iter(tensors)
    return {name: tuple(islice(tensors, length)) for name, length in lengths.items()}


@contextlib.contextmanager
def _buffers_kept(net):
    """While it lasts, running the net moves no buffer: it is a repetition."""
    kept = [(module, module._buffers) for module in net.modules()]
    for module, buffers in kept:
        module._buffers = {name: buffer.clone() for name, buffer in buffers.items()}
    try:
        yield
    finally:
        for module, buffers in kept:
            module._buffers = buffers


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
