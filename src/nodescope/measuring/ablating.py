"""Networks with some nodes switched off: what they give when nodes have one value for all samples, everything else as it is.

Dimension letters: A a way to switch off (which nodes, and to what), B batch, C class, J node, P position.

Of a hidden layer and a batch of samples, ``single`` switches one node off in each way and ``several`` any number; both give logits
[A, B, C], some ways after another. Two kinds of networks have such layers:

- a fully connected network of nodescope's own (`ChainLayer`): batch normalisation is folded into the linear maps, and a single
  node changes the next pre-activations by a rank-one term, ``z' = z + (v - a_j) W[:, j]``, so that the product with the next
  matrix is not computed anew. Samples whose activation is ``v`` already cannot change and are left out;
- any other (`HookedLayer`): a hook replaces what the layer's module gives, at all positions. Where the layer is all that the
  rest of the network sees, as in a chain of convolutions, only the rest is computed for each way; else the whole network.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from nodescope.networks.found_layers import FoundLayer, run
from nodescope.networks.hooks import hooked
from nodescope.networks.mlp import FullyConnected, HiddenLayer
from nodescope.networks.outputs import first_tensor, mapped
from nodescope.networks.torch_activations import TORCH_ACTIVATIONS
from nodescope.networks.unwrapping import module_names, unwrapped

if TYPE_CHECKING:
    from nodescope.measuring.networks import MeasuredNetwork

Tensor = torch.Tensor

#: Values of a layer that are computed together: 2 MB in float32, so that products and functions work in a core's cache.
AT_A_TIME = 1 << 19
#: The same where positions and channels are many: a convolution is quick with some samples at least.
AT_A_TIME_HOOKED = 1 << 22


@dataclass(frozen=True)
class NodeRange:
    """Activations of each node of a layer over samples and positions; arrays [J]."""

    mean: Tensor
    minimum: Tensor
    maximum: Tensor


@torch.no_grad()
def ranges_of(network: "MeasuredNetwork", size: int) -> list[NodeRange]:
    """Of every hidden layer, over the network's samples; ``size`` samples at a time."""
    found: dict[int, list[Any]] = {}

    def look(number: int, _: Tensor, a: Tensor) -> None:
        values = a.transpose(0, 1).flatten(1)
        ends = values.sum(1, dtype=torch.float64), values.amin(1), values.amax(1)
        count = values.shape[1]
        if number not in found:
            found[number] = [count, *ends]
            return
        before = found[number]
        before[0] += count
        before[1] += ends[0]
        before[2], before[3] = torch.minimum(before[2], ends[1]), torch.maximum(before[3], ends[2])

    with network.seen(look):
        for x, _ in network.batches(size):
            network.output(x)
    return [NodeRange(total / count, low, high) for _, (count, total, low, high) in sorted(found.items())]


# --- fully connected networks ---


@dataclass(frozen=True)
class FoldedLayer:
    """A hidden layer with batch normalisation in its linear map."""

    weight_JI: Tensor
    bias_J: Tensor
    norm: nn.Module | None
    activation: Callable[[Tensor], Tensor]
    skips: bool

    @classmethod
    def of(cls, layer: HiddenLayer) -> "FoldedLayer":
        weight: Tensor = layer.linear.weight.detach()
        own = layer.linear.bias
        bias: Tensor = weight.new_zeros(len(weight)) if own is None else own.detach()
        norm: nn.Module | None = layer.norm
        if isinstance(norm, nn.BatchNorm1d):
            assert norm.running_var is not None and norm.running_mean is not None
            scale = norm.weight.detach() * torch.rsqrt(norm.running_var + norm.eps)
            weight, bias = weight * scale[:, None], (bias - norm.running_mean) * scale + norm.bias.detach()
            norm = None
        elif isinstance(norm, nn.Identity):
            norm = None
        function = layer.activation
        activation = torch.relu_ if function.function == "relu" else TORCH_ACTIVATIONS[function.function]
        return cls(weight, bias, norm, function if function.slope is not None else activation, layer.skips)

    def sums(self, h_BI: Tensor) -> Tensor:
        """What enters normalisation, or the activation function; anew, so that it may be written over."""
        return torch.addmm(self.bias_J, h_BI, self.weight_JI.T)

    def activate(self, sums_BJ: Tensor) -> Tensor:
        """Activations; the sums may be written over."""
        return self.activation(sums_BJ if self.norm is None else self.norm(sums_BJ))

    def output(self, h_BI: Tensor) -> Tensor:
        """What the next layer sees."""
        a_BJ = self.activate(self.sums(h_BI))
        return a_BJ + h_BI if self.skips else a_BJ


class Chain:
    """A fully connected network as a chain of maps, without gradients."""

    def __init__(self, network: FullyConnected) -> None:
        self.layers = [FoldedLayer.of(layer) for layer in network.hidden]  # type: ignore[arg-type]
        output = network.output
        self.weight_CJ = output.weight.detach()
        self.bias_C = self.weight_CJ.new_zeros(len(self.weight_CJ)) if output.bias is None else output.bias.detach()

    def logits(self, h_BJ: Tensor, after: int) -> Tensor:
        """From what the layers after the first so many see."""
        for layer in self.layers[after:]:
            h_BJ = layer.output(h_BJ)
        return torch.addmm(self.bias_C, h_BJ, self.weight_CJ.T)

    @torch.no_grad()
    def walk(self, x_BI: Tensor) -> Iterator["ChainLayer"]:
        """Layer after layer; of each, activations of these samples are held while it is looked at."""
        h = x_BI.flatten(1)
        for number, layer in enumerate(self.layers):
            a = layer.activate(layer.sums(h))
            h = a + h if layer.skips else a
            yield ChainLayer(self, number, a, h)


@dataclass(frozen=True)
class ChainLayer:
    """A layer of a `Chain` for a batch: its activations ``a`` and what the next layer sees, ``h`` [B, J]."""

    chain: Chain
    number: int
    a: Tensor
    h: Tensor

    @property
    def nodes(self) -> int:
        return self.a.shape[1]

    @torch.no_grad()
    def baseline(self) -> Tensor:
        """Logits [B, C] with all nodes."""
        return self.chain.logits(self.h, self.number + 1)

    @torch.no_grad()
    def single(self, node_A: Tensor, value_A: Tensor) -> Iterator[tuple[slice, Tensor]]:
        rest = self.chain.layers[self.number + 1 :]
        base_BC = self.baseline()
        sums_BJ = rest[0].sums(self.h) if rest else base_BC
        columns_JK = (rest[0].weight_JI if rest else self.chain.weight_CJ).T.contiguous()
        widest = max(sums_BJ.shape[1], *(len(layer.weight_JI) for layer in rest), 1) if rest else sums_BJ.shape[1]
        ways = max(1, AT_A_TIME // (len(self.h) * widest))
        for begin in range(0, len(node_A), ways):
            part = slice(begin, begin + ways)
            node_a = node_A[part]
            change_aB = value_A[part, None] - self.a.T[node_a]
            # Of samples that do not change nothing is computed; gathering the others pays where they are few.
            way, sample = torch.nonzero(change_aB, as_tuple=True)
            if len(way) < 0.75 * change_aB.numel():
                logits = base_BC.expand(len(node_a), *base_BC.shape).clone()
                if len(way):
                    change = change_aB[way, sample]
                    sums = sums_BJ[sample]
                    of_way = torch.bincount(way, minlength=len(node_a)).tolist()
                    for node, *own in zip(node_a, torch.split(sums, of_way), torch.split(change, of_way), strict=True):
                        own[0].addcmul_(own[1][:, None], columns_JK[node])
                    logits[way, sample] = self._rest(sums, node_a[way], change, sample)
            else:
                sums = torch.addcmul(sums_BJ[None], change_aB[:, :, None], columns_JK[node_a][:, None])
                samples = torch.arange(len(self.h)).repeat(len(node_a)) if self._skipped else None
                nodes = node_a.repeat_interleave(len(self.h)) if self._skipped else node_a
                found = self._rest(sums.flatten(0, 1), nodes, change_aB.flatten(), samples)
                logits = found.view(len(node_a), *base_BC.shape)
            yield part, logits

    @property
    def _skipped(self) -> bool:
        """Whether the next layer adds what it sees to what it gives."""
        rest = self.chain.layers[self.number + 1 :]
        return bool(rest) and rest[0].skips

    def _rest(self, sums: Tensor, node: Tensor, change: Tensor, sample: Tensor | None) -> Tensor:
        """Logits from what enters the next layer; of each row which node has changed by how much, for which sample."""
        rest = self.chain.layers[self.number + 1 :]
        if not rest:
            return sums
        h = rest[0].activate(sums)
        if self._skipped:
            h = h + self.h[sample]
            h[torch.arange(len(h)), node] += change
        return self.chain.logits(h, self.number + 2)

    @torch.no_grad()
    def several(self, off_AJ: Tensor, value_J: Tensor) -> Iterator[tuple[slice, Tensor]]:
        widest = max(self.nodes, *(len(layer.weight_JI) for layer in self.chain.layers))
        ways = max(1, AT_A_TIME // (len(self.h) * widest))
        change_BJ = value_J - self.a
        for begin in range(0, len(off_AJ), ways):
            part = slice(begin, begin + ways)
            h = self.h + off_AJ[part, None] * change_BJ
            logits = self.chain.logits(h.flatten(0, 1), self.number + 1)
            yield part, logits.view(len(h), len(self.h), -1)


# --- any network ---


class HookedLayer:
    """A hidden layer that is a module, for a batch: what it gives is replaced.

    Parameters
    ----------
    network
        Its ``x`` are not looked at.
    layer
        With `can_be_replaced`.
    x
        What the network takes of the batch.
    values
        Of all layers of one sample.
    """

    def __init__(self, network: "MeasuredNetwork", layer: FoundLayer, x: Any, values: int) -> None:
        self._network, self._layer, self._x = network, layer, x
        names = {name: module for module, name in module_names(unwrapped(network.module)).items()}
        self._module = names[layer.path]
        self.nodes = layer.nodes
        with torch.no_grad():
            self._base = network.output(x)
        self._at_a_time = max(1, AT_A_TIME_HOOKED // max(1, values * len(self._base)))
        self.is_a_cut = self._is_a_cut()

    @torch.no_grad()
    def baseline(self) -> Tensor:
        """Logits [B, C] with all nodes."""
        return self._base

    @contextmanager
    def _replacing(self, replace: Callable[[Tensor], Tensor]) -> Iterator[None]:
        """Within it another tensor takes the place of what the layer gives."""
        calls = 0

        def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
            nonlocal calls
            calls += 1
            return replace(output) if calls == self._layer.call else None

        with hooked([self._module.register_forward_hook(hook)]):
            yield

    def _logits(self, ways: int, change: Callable[[Tensor], None]) -> Tensor:
        """Logits [A, B, C]; ``change`` writes over the layer's activations [A, B, J, P...]."""
        n = len(self._base)

        def replace(output: Tensor) -> Tensor:
            output = output.expand(ways, *output.shape) if self.is_a_cut else output.view(ways, n, *output.shape[1:])
            copied = output.clone(memory_format=torch.contiguous_format)
            change(copied.movedim(self._layer.node_axis + 1, 2))
            return copied.flatten(0, 1)

        x = self._x if self.is_a_cut else mapped(lambda t: t.repeat(ways, *[1] * (t.ndim - 1)), self._x)
        with self._replacing(replace):
            logits = self._network.output(x)
        return logits.reshape(ways, n, *logits.shape[1:])

    @torch.no_grad()
    def _is_a_cut(self) -> bool:
        """Whether the rest of the network sees nothing but this layer: whether it computes the same for copies of it."""
        self.is_a_cut = True
        try:
            found = self._logits(2, lambda a: None)
        except Exception:  # of a network that also sees what comes before, which is not copied
            return False
        expected = self._base.expand_as(found) if found.shape[1:] == self._base.shape else None
        return expected is not None and torch.allclose(found, expected, rtol=1e-3, atol=1e-4, equal_nan=True)

    @torch.no_grad()
    def single(self, node_A: Tensor, value_A: Tensor) -> Iterator[tuple[slice, Tensor]]:
        for begin in range(0, len(node_A), self._at_a_time):
            part = slice(begin, begin + self._at_a_time)
            node, value = node_A[part], value_A[part]

            def change(a: Tensor, node: Tensor = node, value: Tensor = value) -> None:
                a[torch.arange(len(node)), :, node] = value.view(-1, *[1] * (a.ndim - 2)).to(a.dtype)

            yield part, self._logits(len(node), change)

    @torch.no_grad()
    def several(self, off_AJ: Tensor, value_J: Tensor) -> Iterator[tuple[slice, Tensor]]:
        for begin in range(0, len(off_AJ), self._at_a_time):
            part = slice(begin, begin + self._at_a_time)
            off = off_AJ[part]

            def change(a: Tensor, off: Tensor = off) -> None:
                shape = (1, self.nodes, *[1] * (a.ndim - 3))
                a.copy_(torch.where(off.view(len(off), *shape), value_J.view(1, *shape).to(a.dtype), a))

            yield part, self._logits(len(off), change)


def can_be_replaced(layer: FoundLayer) -> bool:
    """Whether a hook can replace a layer: what one module gives, one tensor, its samples first."""
    return layer.function is None and not layer.items and layer.sample_axis == 0


def is_chain(network: "MeasuredNetwork") -> bool:
    """Whether all hidden layers are those of a fully connected network of nodescope's own."""
    module = unwrapped(network.module)
    return isinstance(module, FullyConnected) and [layer.path for layer in network.hidden_layers()] == [
        f"hidden.{number}.activation" for number in range(len(module.hidden))
    ]


def layers_off(
    network: "MeasuredNetwork", x: Any, wanted: Collection[int]
) -> Iterator[tuple[int, "ChainLayer | HookedLayer"]]:
    """Some hidden layers, by their numbers from 1, whose nodes can be switched off for a batch of samples."""
    module = unwrapped(network.module)
    if is_chain(network):
        assert isinstance(module, FullyConnected)
        for number, layer in enumerate(Chain(module).walk(x), start=1):
            if number in wanted:
                yield number, layer
        return
    layers = network.hidden_layers()
    values = sum(layer.nodes * layer.positions for layer in layers)
    for number, found in enumerate(layers, start=1):
        if number in wanted:
            yield number, HookedLayer(network, found, x, values)


# --- all nodes at once, approximately ---


def linear_changes(network: "MeasuredNetwork", layer: FoundLayer, x: Any, mean_J: Tensor) -> dict[str, Tensor]:
    """Changes of the logits [J, B, C] for every node, to first order: ``(v - a_j) do / da_j``, summed over positions.

    Returns
    -------
    dict
        For ``zero`` and ``mean``.
    """
    names = {name: module for module, name in module_names(unwrapped(network.module)).items()}
    kept: list[Tensor] = []
    calls = 0

    def hook(module: nn.Module, args: Any, output: Tensor) -> Tensor | None:
        nonlocal calls
        calls += 1
        if calls != layer.call:
            return None
        kept.append(output.detach().clone().requires_grad_())
        return kept[0].clone()  # which a layer behind it may write over

    with network.with_gradients(), hooked([names[layer.path].register_forward_hook(hook)]):
        logits = first_tensor(run(network.module, x))
        assert logits is not None
        a = layer.layout.view(kept[0].detach()).flatten(2) if kept[0].ndim > 2 else kept[0].detach()[..., None]
        slopes, products = [], []
        for c in range(logits.shape[1]):
            (gradient,) = torch.autograd.grad(logits[:, c].sum(), kept[0], retain_graph=True)
            view = layer.layout.view(gradient).flatten(2) if gradient.ndim > 2 else gradient[..., None]
            slopes.append(view.sum(2))
            products.append((view * a).sum(2))
    slope_JBC, product_JBC = (torch.stack(each, dim=2).transpose(0, 1) for each in (slopes, products))
    return {"zero": -product_JBC, "mean": mean_J.to(slope_JBC.dtype)[:, None, None] * slope_JBC - product_JBC}
