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

from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions, Samples
from nodescope.numerics.moments import moments
from nodescope.storage.columns import MOMENTS, OBJECTIVE, ZERO_SHARE, Column, Quantity, number_of

if TYPE_CHECKING:
    import torch
    from torch import nn

    from nodescope.measuring.networks import MeasuredNetwork


class Gradients(NetworkOptions):
    """How much of the loss's gradient reaches each layer, and how it is spread."""

    samples: Samples = Field(256, description="training samples in the measured batch")


def measure(network: "MeasuredNetwork", options: Gradients) -> Parts:
    """Columns objective, layer, name, quantity, count, mean, std, skew, kurtosis, minimum, maximum, norm, zero_share."""
    network = network.in_float64()
    samples = len(network.x)
    rows: list[dict[str, Any]] = []

    def look_at(tensor: "torch.Tensor", layer: int, name: str, quantity: str) -> None:
        # The gradients of activations are looked at as the backward pass makes them, so that none is kept. The hook goes
        # with the tensor.
        place = {"layer": layer, "name": name, "quantity": quantity}
        tensor.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient: rows.append(place | describe(gradient, samples))
        )

    def before(layer: int, name: str) -> Callable[..., None]:
        def hook(module: "nn.Module", inputs: "tuple[torch.Tensor]") -> None:
            look_at(inputs[0], layer, name, "pre_activation")

        return hook

    def after(layer: int, name: str) -> Callable[..., None]:
        def hook(module: "nn.Module", inputs: Any, output: "torch.Tensor") -> None:
            look_at(output, layer, name, "activation")

        return hook

    layers = network.hidden_layers()
    linear_maps_in_order = network.linear_maps()
    handles = (
        handle
        for layer, (name, module) in enumerate(layers.items(), start=1)
        for handle in (
            module.register_forward_pre_hook(before(layer, name)),
            module.register_forward_hook(after(layer, name)),
        )
    )
    with network.hooked(handles), network.with_gradients():
        logits = network.module(network.x.double())
        look_at(logits, len(layers) + 1, "output", "pre_activation")
        network.summed_loss(logits, network.y).backward()  # type: ignore[no-untyped-call]
    for linear in linear_maps_in_order:
        for parameter, values in linear.parameters().items():
            if values.grad is not None:
                place = {"layer": linear.layer, "name": linear.name, "quantity": parameter}
                rows.append(place | describe(values.grad / samples, 1))
    rows.sort(key=lambda row: row["layer"])
    return [row | {"objective": network.objective} for row in rows]


def describe(gradient: "torch.Tensor", samples: int) -> dict[str, Any]:
    """The columns from ``count`` on; the norm is that of all values over the root of the number of samples."""
    found = moments(gradient.detach().numpy())
    if found is None:
        return {"count": gradient.numel()}
    norm = ((found.second + found.mean**2) * found.count / samples) ** 0.5
    return {"count": found.count, **found.columns(), "norm": norm, "zero_share": found.zeros / found.count}


ANALYSIS = Analysis(
    title="gradients",
    job="networks",
    order=140,
    options=Gradients,
    columns=(
        OBJECTIVE,
        Column(
            "layer", "int32", "hidden layer, from 1, or the one that the linear map leads to; one more for the output"
        ),
        Column("name", "string", "of the layer or linear map in the network"),
        Column(
            "quantity", "string", "what the gradient is with respect to: activation, pre_activation, weight or bias"
        ),
        Column("count", "int64", "how many values the gradient has", number_of("values")),
        *MOMENTS,
        Column(
            "norm",
            "float64",
            "of a parameter that of its gradient; of activations the root mean square of that of a sample",
            Quantity("norm of the gradient", range=(0.0, None)),
        ),
        ZERO_SHARE,
    ),
    measure=measure,
    needs=("classes", "output"),
)
