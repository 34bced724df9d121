"""What a workload cannot do without: lower bounds, to hold a machine's limits against.

A layer of W weights, each used U times in a step (a linear layer once for each row of its input, a convolution
once for each of its output's positions too), takes so many multiplications with an addition (2 FLOP):

             forward    gradient of the weights    gradient of the input
    dense    W U        W U                        W U, if a layer before it learns
    least    W U D      W U D                      the same: a surrogate's gradient is nowhere 0

where D is the share of its input that is not 0, for only these products must be taken. It is known of the data;
a net's own spikes depend on its weights, so that D counts as 0 of what they feed. 5 x 5 convolutions count with
their 2 x 2 pool, as one of 6 x 6, those of an image shown at every step once, and padded ones of 3 x 3 without the
padding, for which a side of n positions counts as n - 2/3: two of its 3 n products lie outside (of stride 2, one).

Bytes: the input, read once, and each weight and one moment of its gradient, read and written (16 of a weight).
Not counted: neurons, norms, the losses, and what lies between two layers, which may stay in the caches.
"""

from typing import NamedTuple

PADDED = 2 / 3


class Layer(NamedTuple):
    weights: int
    uses: int
    density: float = 0.0  # share of its inputs that are active
    input_gradient: bool = True


class Count(NamedTuple):
    dense_flop: float
    least_flop: float
    bytes: float


def count(layers, input_bytes):
    """Count of one step of a net."""
    products = [(layer.weights * layer.uses, layer) for layer in layers]
    return Count(sum(2 * n * (2 + layer.input_gradient) for n, layer in products),
                 sum(2 * n * (2 * layer.density + layer.input_gradient) for n, layer in products),
                 input_bytes + 16 * sum(layer.weights for layer in layers))


def forward(layers, input_bytes):
    """Count of an evaluation: products of the forward pass, weights that are only read."""
    products = [(layer.weights * layer.uses, layer) for layer in layers]
    return Count(sum(2 * n for n, _ in products), sum(2 * n * layer.density for n, layer in products),
                 input_bytes + 4 * sum(layer.weights for layer in layers))


def lif_layer(num_steps, num_neurons):
    """Five tensors: current and spikes, the spikes' gradient, again the current (or the membrane), its gradient."""
    return Count(0, 0, 5 * 4 * num_steps * num_neurons)


def mnist_annealing(num_steps, batch_size, of=count):
    """of: count, or forward."""
    rows = num_steps * batch_size
    layers = [Layer(16 * 36, batch_size * 12**2, 0.2, False), Layer(64 * 16 * 36, rows * 4**2), Layer(1024 * 10, rows)]
    return of(layers, 4 * batch_size * 28**2)


def dvs_annealing(num_steps, batch_size):
    rows = num_steps * batch_size
    layers = [Layer(16 * 2 * 36, rows * 14**2, 0.136, False), Layer(32 * 16 * 36, rows * 5**2), Layer(800 * 11, rows)]
    return count(layers, 4 * rows * 2 * 32**2)


def shd_annealing(num_steps, batch_size, num_hidden):
    rows = num_steps * batch_size
    layers = [Layer(700 * num_hidden, rows, 0.015, False), Layer(num_hidden * 20, rows)]
    return count(layers, 4 * 0.015 * 700 * rows)


def shd_neurons(num_steps, batch_size, hidden):
    rows = num_steps * batch_size
    sizes = zip(hidden, [*hidden[1:], 20], strict=True)
    layers = [Layer(700 * hidden[0], rows, 0.015, False), *(Layer(before * after, rows) for before, after in sizes)]
    return count(layers, 4 * 0.015 * 700 * rows)


def resnet19(num_steps, batch_size, channels, hidden_size):
    rows = num_steps * batch_size
    layers, before = [Layer(9 * channels, batch_size * (28 - PADDED) ** 2, 1.0, False)], channels
    for num_blocks, side in ((3, 28), (3, 14), (2, 7)):
        width = channels * 28 // side
        first = Layer(9 * before * width, rows * (side - (PADDED if side == 28 else PADDED / 2)) ** 2)
        shortcut = [Layer(before * width, rows * side**2)] * (before != width)
        layers += [first, *shortcut, *[Layer(9 * width**2, rows * (side - PADDED) ** 2)] * (2 * num_blocks - 1)]
        before = width
    layers += [Layer(before * hidden_size, rows), Layer(hidden_size * 10, rows)]
    return count(layers, 4 * batch_size * 28**2)


def plif_net(num_steps, batch_size, side, channels, num_layers, hidden_size):
    rows = num_steps * batch_size
    first, *sides, last = (side >> k for k in range(num_layers + 1))
    layers = [Layer(9 * 2 * channels, rows * (first - PADDED) ** 2, 0.136, False),
              *(Layer(9 * channels**2, rows * (side - PADDED) ** 2) for side in sides),
              Layer(channels * last**2 * hidden_size, rows), Layer(hidden_size * 110, rows)]
    return count(layers, 4 * rows * 2 * first**2)


def spike_timing(num_steps, num_hidden, num_iterations):
    uses = num_steps * num_iterations
    return count([Layer(100 * num_hidden, uses, 0.5, False), Layer(num_hidden, uses)], 4 * num_steps * 100)


def linear_lif(density, num_steps, batch_size, size):
    """Its weights are only read and their gradient written; its gradient comes from outside, and spikes go there."""
    rows = num_steps * batch_size
    return count([Layer(size**2, rows, density, False)], 3 * 4 * rows * size)
