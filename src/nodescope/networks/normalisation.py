"""By which statistics batch normalisation normalises: one rule for every net that is looked at.

A network as it is initialised has running means of 0 and variances of 1, with which batch normalisation does nothing, and
in training its running statistics follow late: with PyTorch's momentum of 0.1, 13 % of the 0 and 1 are left after 19 steps.
None of the sources says what is measured then. The rule here (*ours*; methods, section 1):

- *Untrained and in training: settled.* The states ``initial``, ``step-N`` and ``epoch-N``, and epoch 0 of the learning
  curves, are normalised by the mean and variance of all training samples, wherever they are recorded, measured,
  diagnosed or evaluated. These are the running statistics that PyTorch's own layers have after a pass in training mode
  with all samples as one batch and ``momentum=None``: each layer sees what the whole set's statistics have normalised in
  the layers before it.
- *Trained: as it was validated.* The state ``trained``, and the learning curves from epoch 1 on, have the running
  statistics that training left, since with these the epoch was chosen.
- *From a file of weights: the file's.* Such a network brings statistics of its own, and keeps them in every state.
- *The training itself* begins with 0 and 1, as PyTorch's does.

Patterns through training: see `nodescope.training.pattern_evolution`.

Means and variances are summed in float64 and put together as Chan, Golub & LeVeque (1983) do, so that a mean far from
zero costs no digits. Where the activations of all samples fit into memory, one pass settles all layers; else each layer
has passes of its own, in pieces, that end where it stands: half as many passes as there are layers.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.func import functional_call

from nodescope.families.memory import BATCH_BYTES, HELD_AT_A_TIME
from nodescope.families.shape import NetworkShape
from nodescope.messages.errors import DatasetError
from nodescope.networks.building import build_network
from nodescope.networks.hooks import hooked
from nodescope.networks.stack import NetworkStack
from nodescope.networks.stacks import stack_of

Tensor = torch.Tensor
BatchNorm = nn.modules.batchnorm._BatchNorm
Run = Callable[[Tensor], None]

#: What the activations of a piece may take where those of all samples are more than `BATCH_BYTES`.
PIECE_BYTES = {"cpu": 1 << 22, "cuda": 1 << 28}
#: Values that are summed at a time: in float64 they stay in a core's cache.
SUMMED_AT_A_TIME = 1 << 17


def is_settled(shape: NetworkShape) -> bool:
    """Whether batch normalisation of such nets has to be settled: there is some, and no file brought its statistics."""
    return shape.batch_norm and shape.weights is None


def settled(stack: NetworkStack, x: Tensor) -> NetworkStack:
    """The stack with batch normalisation by the statistics of samples; itself where nothing has to be settled.

    Parameters
    ----------
    stack
        Stays as it is; the parameters of the result are on its memory.
    x
        Inputs of all training samples, on the stack's device.
    """
    if not is_settled(stack.shape):
        return stack
    found = stack_of(stack.shape, stack.parameters | {name: t.clone() for name, t in stack.buffers.items()})
    network = build_network(stack.shape).eval()
    for replica in range(found.n_replicas):
        settle_batch_norm(network, x, found.network_views(replica))
    return found


@torch.no_grad()
def settle_batch_norm(network: nn.Module, x: Tensor, tensors: dict[str, Tensor] | None = None) -> None:
    """Give batch normalisation the mean and (unbiased) variance of samples, in place.

    Parameters
    ----------
    network
        In evaluation mode; it uses each layer of batch normalisation once.
    x
        Inputs [N, ...]: their order does not matter.
    tensors
        Parameters and buffers to take, and to settle, instead of the network's own.

    Raises
    ------
    DatasetError
        If there is but one value per channel, which has no variance.
    """
    own = dict(network.named_parameters()) | dict(network.named_buffers()) if tensors is None else tensors

    def run(part: Tensor) -> None:
        functional_call(network, own, (part,))

    order, bytes_of_sample = _seen_on_one(network, run, x[:1])
    if len(x) * bytes_of_sample <= BATCH_BYTES[x.device.type]:
        found = _in_one_pass(order, run, x)
    else:
        found = _layer_by_layer(order, run, torch.split(x, max(1, PIECE_BYTES[x.device.type] // bytes_of_sample)))
    for moments in found:
        moments.finish()


def _in_one_pass(order: list[BatchNorm], run: Run, x: Tensor) -> list["_ChannelMoments"]:
    """Each layer takes the statistics of what reaches it, and is normalised by them."""
    found: list[_ChannelMoments] = []

    def take(norm: BatchNorm, inputs: tuple[Tensor]) -> None:
        moments = _ChannelMoments()
        moments.add(inputs[0])
        moments.written_to(norm)
        moments.write()
        found.append(moments)

    with hooked(norm.register_forward_pre_hook(take) for norm in order):
        run(x)
    return found


def _layer_by_layer(order: list[BatchNorm], run: Run, pieces: Sequence[Tensor]) -> list["_ChannelMoments"]:
    """The same for each layer in turn: all pieces run up to it, normalised by the whole set before it."""
    found: list[_ChannelMoments] = []

    def take(norm: BatchNorm, inputs: tuple[Tensor]) -> None:
        found[-1].add(inputs[0])
        found[-1].written_to(norm)
        raise _Reached

    for norm in order:
        found.append(_ChannelMoments())
        with hooked([norm.register_forward_pre_hook(take)]):
            for piece in pieces:
                with suppress(_Reached):
                    run(piece)
        found[-1].write()
    return found


def _seen_on_one(network: nn.Module, run: Run, x: Tensor) -> tuple[list[BatchNorm], int]:
    """The layers of batch normalisation in the order of computation, and what a sample's activations take at a time."""
    order: list[BatchNorm] = []
    sizes = [x.nbytes]

    def note(module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor):
            sizes.append(output.nbytes)
        if isinstance(module, BatchNorm):
            order.append(module)

    with hooked(module.register_forward_hook(note) for module in network.modules()):
        run(x)
    return order, HELD_AT_A_TIME * max(sizes)


class _Reached(Exception):
    """A pass has reached the layer for which it was made."""


@dataclass
class _ChannelMoments:
    """Mean and sum of squared deviations of every channel over samples and positions, in float64."""

    count: int = 0
    mean: Tensor = field(default_factory=lambda: torch.zeros(()))
    squares: Tensor = field(default_factory=lambda: torch.zeros(()))
    _targets: tuple[Tensor, Tensor] | None = None

    def add(self, z: Tensor) -> None:
        """Values [B, channel] or [B, channel, position ...]."""
        others = [0, *range(2, z.ndim)]
        for part in torch.split(z, max(1, SUMMED_AT_A_TIME // z[0].numel())):
            values = part.double()
            count = values.numel() // values.shape[1]
            mean = values.mean(others, keepdim=True)
            squares = (values - mean).square_().sum(others)
            self._merge(count, mean.flatten(), squares)

    def _merge(self, count: int, mean: Tensor, squares: Tensor) -> None:
        if not self.count:
            self.count, self.mean, self.squares = count, mean, squares
            return
        total = self.count + count
        distance = mean - self.mean
        self.mean = self.mean + distance * (count / total)
        self.squares = self.squares + squares + distance**2 * (self.count * count / total)
        self.count = total

    def written_to(self, norm: BatchNorm) -> None:
        """Note the layer's running statistics as they are within a pass."""
        assert norm.running_mean is not None and norm.running_var is not None
        self._targets = norm.running_mean, norm.running_var

    def write(self) -> None:
        """For the rest of the passes: as training does, a batch is normalised by its variance with n."""
        assert self._targets is not None
        self._targets[0].copy_(self.mean)
        self._targets[1].copy_(self.squares / self.count)

    def finish(self) -> None:
        """After them: a running variance is that with n - 1."""
        assert self._targets is not None
        if self.count < 2:
            raise DatasetError(
                "Batch normalisation cannot be given the statistics of a single training sample: one value has no variance. "
                "Hint: train on more samples (dataset.train_size, validation_size), or set batch_norm to false."
            )
        self._targets[1].copy_(self.squares / (self.count - 1))
