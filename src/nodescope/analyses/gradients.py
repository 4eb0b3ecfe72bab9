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

from typing import TYPE_CHECKING, Any

from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions, Samples
from nodescope.numerics.moments import moments
from nodescope.storage.columns import MOMENTS, OBJECTIVE, ZERO_SHARE, Column, Quantity, number_of

if TYPE_CHECKING:
    import torch

    from nodescope.measuring.networks import MeasuredNetwork


class Gradients(NetworkOptions):
    """How much of the loss's gradient reaches each layer, and how it is spread."""

    samples: Samples = Field(256, description="training samples in the measured batch")


def measure(network: "MeasuredNetwork", options: Gradients) -> Parts:
    """Columns objective, layer, name, quantity, count, mean, std, skew, kurtosis, minimum, maximum, norm, zero_share."""
    network = network.in_float64()
    if not network.has_loss():
        return []
    samples = len(network.y)
    rows: list[dict[str, Any]] = []
    layers = network.hidden_layers()

    def look_at(tensor: "torch.Tensor", layer: int, name: str, quantity: str) -> None:
        # The gradients of activations are looked at as the backward pass makes them, so that none is kept. The hook goes
        # with the tensor.
        place = {"layer": layer, "name": name, "quantity": quantity}
        tensor.register_hook(  # type: ignore[no-untyped-call]
            lambda gradient: rows.append(place | describe(gradient, samples))
        )

    def look(number: int, z: "torch.Tensor", a: "torch.Tensor") -> None:
        if z is not a:
            look_at(z, number + 1, layers[number].name, "pre_activation")
        look_at(a, number + 1, layers[number].name, "activation")

    linear_maps_in_order = network.linear_maps()
    with network.watched(look), network.with_gradients():
        logits = network.output()
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
