"""How much of the loss's gradient reaches each layer, and how is it spread?

Formula: one forward and one backward pass of a batch of training samples. Of each hidden layer the gradient of each
sample's loss with respect to the activations (quantity ``activation``, dL/da) and to the pre-activations
(``pre_activation``, dL/dz), all nodes and samples as one list; of each linear map the gradient of the batch's mean
loss with respect to its weights and biases (``weight``, ``bias``), as an optimiser gets it. The quantity
``pre_activation`` of the layer named ``output`` is the gradient with respect to the logits, with which the backward
pass begins (Glorot & Bengio 2010; methods, sections 4 and 5). The loss is the one that the network was trained with, named in
the column ``objective`` (`nodescope.networks.losses`).

The net is as it is recorded: in evaluation mode, batch normalisation by the statistics that the state has
(`nodescope.networks.normalisation`), so that a sample's gradient is its own; dropout drops nothing. All is computed in
float64, since the gradients of a net that fits lie below float32's rounding of its probabilities.

Needs: the networks, training samples. Gives: one row per layer or linear map and quantity; moments and range
(`nodescope.numerics.moments`), the share of exact zeros, and ``norm``: of a parameter the norm of its gradient, of
activations the root mean square over the samples of the norm of a sample's gradient; null where the net diverged or the
gradient is not finite. Cost: one training step of that batch in float64, and four passes over every gradient.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import polars as pl
import torch
from torch import nn

from nodescope.measuring.networks import in_float64, linear_maps
from nodescope.networks import hidden_layers
from nodescope.networks.losses import SUMMED_LOSSES
from nodescope.numerics.moments import MOMENT_COLUMNS, moments

if TYPE_CHECKING:
    from nodescope.config.analyses import Gradients

COLUMNS = {
    "state": pl.String,
    "objective": pl.String,
    "layer": pl.Int32,
    "name": pl.String,
    "quantity": pl.String,
    "count": pl.Int64,
    **MOMENT_COLUMNS,
    "norm": pl.Float64,
    "zero_share": pl.Float64,
}


def measure(network: nn.Module, x: torch.Tensor, y: torch.Tensor, options: "Gradients", objective: str) -> pl.DataFrame:
    """Columns objective, layer, name, quantity, count, mean, std, skew, kurtosis, minimum, maximum, norm, zero_share."""
    network, x = in_float64(network), x.double()
    rows: list[dict[str, Any]] = []

    def look_at(tensor: torch.Tensor, layer: int, name: str, quantity: str) -> None:
        # The gradients of activations are looked at as the backward pass makes them, so that none is kept.
        place = {"layer": layer, "name": name, "quantity": quantity}
        tensor.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient: rows.append(place | describe(gradient, len(x)))
        )

    def before(layer: int, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[torch.Tensor]) -> None:
            look_at(inputs[0], layer, name, "pre_activation")

        return hook

    def after(layer: int, name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            look_at(output, layer, name, "activation")

        return hook

    layers = hidden_layers(network)
    linear_maps_in_order = linear_maps(network, x)
    for layer, (name, module) in enumerate(layers.items(), start=1):
        module.register_forward_pre_hook(before(layer, name))
        module.register_forward_hook(after(layer, name))
    with torch.enable_grad():
        logits = network(x)
        look_at(logits, len(layers) + 1, "output", "pre_activation")
        SUMMED_LOSSES[objective](logits, y).backward()  # type: ignore[no-untyped-call]
    for linear in linear_maps_in_order:
        for parameter, values in linear.parameters().items():
            if values.grad is not None:
                place = {"layer": linear.layer, "name": linear.name, "quantity": parameter}
                rows.append(place | describe(values.grad / len(x), 1))
    rows.sort(key=lambda row: row["layer"])
    schema = {name: dtype for name, dtype in COLUMNS.items() if name not in ("state", "objective")}
    return pl.DataFrame(rows, schema=schema).with_columns(objective=pl.lit(objective))


def describe(gradient: torch.Tensor, samples: int) -> dict[str, Any]:
    """The columns from ``count`` on; the norm is that of all values over the root of the number of samples."""
    found = moments(gradient.detach().numpy())
    if found is None:
        return {"count": gradient.numel()}
    norm = ((found.second + found.mean**2) * found.count / samples) ** 0.5
    return {"count": found.count, **found.columns(), "norm": norm, "zero_share": found.zeros / found.count}
