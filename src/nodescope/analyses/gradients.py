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

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import Field

from nodescope.analyses import Analysis, Parts
from nodescope.config.analysis_fields import NetworkOptions, Samples
from nodescope.numerics.moments import Moments, moments, together
from nodescope.storage.columns import MOMENTS, OBJECTIVE, ZERO_SHARE, Column, Quantity, number_of

if TYPE_CHECKING:
    import torch

    from nodescope.measuring.networks import MeasuredNetwork


#: Of the samples that go through a network together: what a layer keeps of a value for its gradient, and of all layers.
BYTES_PER_VALUE, BATCH_BYTES = 3 * 8, 2_000_000_000


class Place(NamedTuple):
    """Where a gradient is looked at."""

    layer: int
    name: str
    quantity: str


class Gradients(NetworkOptions):
    """How much of the loss's gradient reaches each layer, and how it is spread."""

    samples: Samples = Field(256, description="training samples in the measured batch")


def measure(network: "MeasuredNetwork", options: Gradients) -> Parts:
    """Columns objective, layer, name, quantity, count, mean, std, skew, kurtosis, minimum, maximum, norm, zero_share."""
    network = network.in_float64()
    if not network.has_loss():
        return []
    samples = len(network.y)
    layers, maps = network.hidden_layers(), network.linear_maps()
    found: dict[Place, list[Moments | int]] = {}

    def look_at(tensor: "torch.Tensor", layer: int, name: str, quantity: str) -> None:
        # The gradients of activations are looked at as the backward pass makes them, so that none is kept. The hook goes
        # with the tensor.
        place = Place(layer, name, quantity)

        def see(gradient: "torch.Tensor") -> None:
            values = gradient.detach().numpy()
            found.setdefault(place, []).append(moments(values) or values.size)

        tensor.register_hook(see)  # type: ignore[no-untyped-call]

    def look(number: int, z: "torch.Tensor", a: "torch.Tensor") -> None:
        if z is not a:
            look_at(z, number + 1, layers[number].name, "pre_activation")
        look_at(a, number + 1, layers[number].name, "activation")

    values = sum(layer.nodes * layer.positions for layer in layers)
    at_a_time = max(1, BATCH_BYTES // (BYTES_PER_VALUE * max(1, values)))
    with network.watched(look), network.with_gradients():
        for x_B, y_B in network.batches(at_a_time):
            logits = network.output(x_B)
            look_at(logits, len(layers) + 1, "output", "pre_activation")
            network.summed_loss(logits, y_B).backward()  # type: ignore[no-untyped-call]
    rows = [place._asdict() | describe(parts, samples) for place, parts in found.items()]
    for linear in maps:
        for parameter, values_of in linear.parameters().items():
            if values_of.grad is not None:
                gradient = (values_of.grad / samples).numpy()
                place = Place(linear.layer, linear.name, parameter)
                rows.append(place._asdict() | describe([moments(gradient) or gradient.size], 1))
    rows.sort(key=lambda row: row["layer"])
    return [row | {"objective": network.objective} for row in rows]


def describe(parts: "Sequence[Moments | int]", samples: int) -> dict[str, Any]:
    """The columns from ``count`` on, of what was found batch by batch; a number counts values of which one is not finite.

    The norm is that of all values over the root of the number of samples.
    """
    known = [part for part in parts if not isinstance(part, int)]
    if len(known) < len(parts):
        return {"count": sum(part if isinstance(part, int) else part.count for part in parts)}
    found = together(known)
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
