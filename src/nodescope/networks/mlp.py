"""Fully connected networks: linear maps, optional batch normalisation, an activation function, a linear output.

Dimension letters: R replica, B batch, I inputs of a layer, O its outputs, C class.

`FullyConnected` is the network as a user would write it. `StackedFullyConnected` holds R of them of one shape
as tensors with a leading replica dimension and computes them together; replica r of the stack is the same
function as `FullyConnected` with replica r's tensors (tested in float64).
"""

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from nodescope.families.layers import LinearMap
from nodescope.families.mlp import FAMILY
from nodescope.families.shape import NetworkShape
from nodescope.networks.dropout import Dropout
from nodescope.networks.hidden import HiddenActivation
from nodescope.networks.initialisation import draw_scales, draw_weight
from nodescope.networks.stack import NetworkStack
from nodescope.networks.torch_activations import TORCH_ACTIVATIONS

Tensor = torch.Tensor


class HiddenLayer(nn.Module):
    """Linear map, optional normalisation, activation function, and what a remedy adds.

    `pre_activation` is what enters the activation function.
    """

    def __init__(self, of: LinearMap, shape: NetworkShape) -> None:
        super().__init__()
        self.linear = nn.Linear(of.inputs, of.nodes, bias=of.bias)
        self.norm: nn.Module = nn.Identity()
        if shape.batch_norm:
            self.norm = nn.BatchNorm1d(of.nodes)
        elif shape.layer_norm:
            self.norm = nn.LayerNorm(of.nodes)
        self.activation = HiddenActivation(shape.activation)
        self.dropout = Dropout(shape.dropout) if shape.dropout else nn.Identity()
        self.skips = shape.skip_connections and of.inputs == of.nodes

    def pre_activation(self, x_BI: Tensor) -> Tensor:
        """``z`` [B, O], after the normalisation."""
        z_BO: Tensor = self.norm(self.linear(x_BI))
        return z_BO

    def forward(self, x_BI: Tensor) -> Tensor:
        a_BO: Tensor = self.dropout(self.activation(self.pre_activation(x_BI)))
        return a_BO + x_BI if self.skips else a_BO


class FullyConnected(nn.Module):
    """A fully connected network with ``depth`` hidden layers and a linear output, as a rule without bias."""

    def __init__(self, shape: NetworkShape) -> None:
        super().__init__()
        self.shape = shape
        *hidden, output = (layer.last_map for layer in FAMILY.layers(shape))
        self.hidden = nn.ModuleList(HiddenLayer(of, shape) for of in hidden)
        self.output = nn.Linear(output.inputs, output.nodes, bias=output.bias)

    def forward(self, x_BI: Tensor) -> Tensor:
        """Logits [B, C]."""
        for layer in self.hidden:
            x_BI = layer(x_BI)
        logits_BC: Tensor = self.output(x_BI)
        return logits_BC


class _LinearMap(torch.autograd.Function):
    """``x W`` for each replica, whose gradient with respect to ``W`` is written where the last one was.

    The gradients of the weights are as large as the weights; new memory for them at every step would cost more than
    their arithmetic, since the system hands it out page by page.
    """

    @staticmethod
    def forward(ctx: Any, x_RBI: Tensor, weight_RIO: Tensor, gradient_RIO: Tensor) -> Tensor:
        ctx.save_for_backward(x_RBI, weight_RIO)
        ctx.gradient = gradient_RIO
        return torch.bmm(x_RBI, weight_RIO)

    @staticmethod
    def backward(ctx: Any, dz_RBO: Tensor) -> tuple[Tensor | None, Tensor, None]:
        x_RBI, weight_RIO = ctx.saved_tensors
        dx_RBI = torch.bmm(dz_RBO, weight_RIO.transpose(1, 2)) if ctx.needs_input_grad[0] else None
        return dx_RBI, torch.bmm(x_RBI.transpose(1, 2), dz_RBO, out=ctx.gradient), None


class StackedFullyConnected:
    """R fully connected networks of one shape, computed together by batched products.

    Attributes
    ----------
    parameters : dict of Tensor
        Trainable tensors by the names of `FullyConnected`'s state dict, with a leading replica dimension;
        weights are stored [R, I, O] (transposed), vectors [R, 1, O].
    buffers : dict of Tensor
        Running means and variances of batch normalisation [R, 1, O].
    """

    fuses = True
    slow_parameters: frozenset[str] = frozenset()

    def __init__(self, shape: NetworkShape, tensors: dict[str, Tensor]) -> None:
        self.shape = shape
        self.parameters = {name: t for name, t in tensors.items() if "running_" not in name}
        self.buffers = {name: t for name, t in tensors.items() if "running_" in name}
        self._activation = TORCH_ACTIVATIONS[shape.activation]
        self._weight_gradients: dict[str, Tensor] = {}

    @classmethod
    def initialise(
        cls, shape: NetworkShape, seeds: list[int], *, device: str = "cpu", dtype: torch.dtype = torch.float32
    ) -> "StackedFullyConnected":
        """One replica per seed; a replica depends on its own seed only."""
        generators = [np.random.default_rng([seed, 0]) for seed in seeds]
        tensors: dict[str, Tensor] = {}

        def vector(size: int, value: float) -> Tensor:
            return torch.full((len(seeds), 1, size), value, dtype=dtype, device=device)

        *hidden, output = FAMILY.layers(shape)
        widths = [layer.nodes for layer in hidden]
        scales_of_seed = [draw_scales(widths, seed) for seed in seeds] if shape.batch_norm_scale == "uniform" else []
        for number, layer in enumerate([*hidden, output]):
            of = layer.last_map
            drawn = np.stack([draw_weight(shape.initialisation, of.inputs, of.nodes, g) for g in generators])
            # Laid out as it comes back from a file, or the last bits of a sum would differ after a resumption.
            weight = torch.from_numpy(drawn).to(device=device, dtype=dtype).contiguous()
            tensors[f"{of.name}.weight"] = weight
            if of.bias:
                tensors[f"{of.name}.bias"] = vector(of.nodes, 0)
            if shape.batch_norm and layer is not output:
                norm = f"{layer.name}.norm"
                tensors[f"{norm}.weight"] = vector(of.nodes, 1)
                if scales_of_seed:
                    scales_RO = np.stack([scales[number] for scales in scales_of_seed])
                    tensors[f"{norm}.weight"].copy_(torch.from_numpy(scales_RO)[:, None])
                tensors[f"{norm}.bias"] = vector(of.nodes, 0)
                tensors[f"{norm}.running_mean"] = vector(of.nodes, 0)
                tensors[f"{norm}.running_var"] = vector(of.nodes, 1)
        return cls(shape, tensors)

    @property
    def n_replicas(self) -> int:
        return len(self.parameters["output.weight"])

    def tensors(self) -> dict[str, Tensor]:
        """Parameters and buffers."""
        return {**self.parameters, **self.buffers}

    def network_views(self, replica: int) -> dict[str, Tensor]:
        """One replica's tensors as `FullyConnected` has them, on the stack's memory."""
        single = {name: tensor[replica] for name, tensor in self.tensors().items()}
        return {
            name: tensor.T if name.endswith("linear.weight") or name == "output.weight" else tensor.reshape(-1)
            for name, tensor in single.items()
        }

    def network_tensors(self, replica: int) -> dict[str, Tensor]:
        """One replica's tensors, as the state dict of `FullyConnected` has them."""
        views = self.network_views(replica)
        single = {
            name: view.detach().cpu().clone(memory_format=torch.contiguous_format) for name, view in views.items()
        }
        # PyTorch's state dict has these too; they matter only without a momentum.
        counters = [name.replace("running_mean", "num_batches_tracked") for name in views if "running_mean" in name]
        return single | {name: torch.tensor(0) for name in counters}

    def part(self, members: slice) -> "StackedFullyConnected":
        """Some of the replicas, on the same memory: what trains the part trains them here."""
        parameters = {name: tensor.detach()[members].requires_grad_() for name, tensor in self.parameters.items()}
        return StackedFullyConnected(
            self.shape, {**parameters, **{name: tensor[members] for name, tensor in self.buffers.items()}}
        )

    def begin_epoch(self, seeds: list[int], epoch: int) -> None:
        """Nothing here depends on chance."""

    def forward_training(self, x_RBI: Tensor) -> Tensor:
        """Logits [R, B, C], each replica on its own batch; batch normalisation by batch statistics.

        The weights' gradients hold until the next backward pass.
        """
        for layer in range(self.shape.depth):
            name = f"hidden.{layer}"
            z_RBO = self._linear_map(x_RBI, f"{name}.linear.weight")
            if f"{name}.linear.bias" in self.parameters:
                z_RBO = z_RBO + self.parameters[f"{name}.linear.bias"]
            if self.shape.batch_norm:
                z_RBO = self._normalise_by_batch(z_RBO, f"{name}.norm")
            x_RBI = self._activation(z_RBO)
        return self._linear_map(x_RBI, "output.weight")

    def _linear_map(self, x_RBI: Tensor, name: str) -> Tensor:
        weight_RIO = self.parameters[name]
        if name not in self._weight_gradients:
            self._weight_gradients[name] = torch.empty_like(weight_RIO)
        z_RBO: Tensor = _LinearMap.apply(x_RBI, weight_RIO, self._weight_gradients[name])
        return z_RBO

    def _normalise_by_batch(self, z_RBO: Tensor, name: str) -> Tensor:
        """Batch normalisation of all replicas as one of R * O features; the running statistics are updated."""
        n_replicas, n, n_out = z_RBO.shape
        normalised_BF = functional.batch_norm(
            z_RBO.transpose(0, 1).reshape(n, n_replicas * n_out),
            self.buffers[f"{name}.running_mean"].view(-1),
            self.buffers[f"{name}.running_var"].view(-1),
            self.parameters[f"{name}.weight"].view(-1),
            self.parameters[f"{name}.bias"].view(-1),
            training=True,
            momentum=self.shape.batch_norm_momentum,
            eps=self.shape.batch_norm_epsilon,
        )
        return normalised_BF.view(n, n_replicas, n_out).transpose(0, 1)

    @torch.no_grad()
    def forward_evaluation(self, replica: int, x_BI: Tensor) -> Tensor:
        """Logits [B, C] of one replica; batch normalisation by the running statistics."""
        for layer in range(self.shape.depth):
            name = f"hidden.{layer}"
            z_BO = x_BI @ self.parameters[f"{name}.linear.weight"][replica]
            if f"{name}.linear.bias" in self.parameters:
                z_BO += self.parameters[f"{name}.linear.bias"][replica]
            if self.shape.batch_norm:
                variance = self.buffers[f"{name}.norm.running_var"][replica]
                scale = self.parameters[f"{name}.norm.weight"][replica] * torch.rsqrt(
                    variance + self.shape.batch_norm_epsilon
                )
                mean = self.buffers[f"{name}.norm.running_mean"][replica]
                z_BO = torch.addcmul(self.parameters[f"{name}.norm.bias"][replica], z_BO - mean, scale)
            x_BI = self._activation(z_BO)
        return x_BI @ self.parameters["output.weight"][replica]


build = FullyConnected


def fused_stack(shape: NetworkShape) -> type[NetworkStack] | None:
    """What computes many networks of a shape together; None where the network is more than a chain of products."""
    has_extras = (
        shape.layer_norm
        or shape.skip_connections
        or shape.dropout
        or shape.activation == "prelu"
        or FAMILY.layers(shape)[-1].last_map.bias
        or shape.weights is not None
    )
    return None if has_extras else StackedFullyConnected
