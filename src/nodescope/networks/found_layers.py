"""The layers of any network, found by running it once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from nodescope.config.layer_patterns import ACTIVATIONS, Selection, nearest
from nodescope.messages.errors import NetworkError
from nodescope.networks.layout import CONSTANT, Layout
from nodescope.networks.outputs import first_tensor
from nodescope.networks.surveying import Seen, Survey
from nodescope.networks.unwrapping import unwrapped
from nodescope.numerics.activation_functions import Parameter

#: Names in a message.
SHOWN_NAMES = 6


@dataclass(frozen=True)
class FoundLayer:
    """One layer of a network: what enters an activation function, or what a module gives.

    Attributes
    ----------
    name : str
        Path of the module; ``path:2`` of its second call; ``path/relu:1`` of a function that a module calls
        (``forward/relu:1`` of one that the network itself calls); ``path[1]`` of one of several outputs.
    kind : str
        Class of the module or name of the function: ReLU, gelu, Linear.
    values : {'pre_activation', 'output'}
        What is recorded.
    activation : str
        Name of the activation function; ``identity`` of outputs.
    parameters : mapping
        Of the activation function: numbers, or a tuple with one for each node.
    nodes, positions : int
        Of one sample of the batch that was looked at; 1 position of a layer without positions.
    node_axis, sample_axis : int
        In the network's tensor.
    path, call, function, items
        Which module, which of its calls (of the function's, where it is one), which of several outputs.
    calls : int
        How often the module, or the function in it, is called in a forward pass.
    in_place : bool
        Whether the activation function writes its result over its input.
    n_parameters : int
        Trainable and other parameters that the network uses for the first time after the layer before.
    fan_in : int or None
        Values that each node is a weighted sum of, where the linear map before is known.
    note : str
        What the user should know of it, or nothing.
    """

    name: str
    kind: str
    values: Literal["pre_activation", "output"]
    activation: str
    parameters: Mapping[str, Parameter]
    nodes: int
    positions: int
    node_axis: int
    sample_axis: int = 0
    path: str = ""
    call: int = 1
    calls: int = 1
    function: str | None = None
    items: tuple[str, ...] = field(default=())
    in_place: bool = False
    n_parameters: int = 0
    fan_in: int | None = None
    note: str = ""

    @property
    def layout(self) -> Layout:
        """How its tensors lie."""
        return Layout(self.sample_axis, self.node_axis)


def find_layers(
    network: nn.Module, batch: Any, layers: str | Sequence[str] = ACTIVATIONS, *, axis: int | None = None
) -> list[FoundLayer]:
    """The layers of a network in the order of computation.

    Parameters
    ----------
    network
        Any module; it is run once, as it is (in evaluation or training), without gradients.
    batch
        What it takes: a tensor, a tuple of arguments or a dict of keywords; the first axis of its first tensor is the
        samples.
    layers
        See `nodescope.config.layer_patterns`.
    axis
        The node axis of tensors with positions; found by default.

    Raises
    ------
    NetworkError
        If a pattern fits nothing, there is no layer, or one cannot be recorded.
    """
    network = unwrapped(network)
    selection = Selection(layers)
    survey = Survey(network, selection, number_of_samples(batch), axis)
    with torch.no_grad(), survey.watching():
        run(network, batch)
    return chosen_layers(survey, selection)[0]


def run(network: nn.Module, batch: Any) -> Any:
    """A forward pass: a tensor is the argument, a tuple or list the arguments, a dict the keywords."""
    if isinstance(batch, Mapping):
        return network(**batch)
    return network(*batch) if isinstance(batch, tuple | list) else network(batch)


def number_of_samples(batch: Any) -> int:
    """The first axis of a batch's first tensor.

    Raises
    ------
    NetworkError
        If there is no tensor.
    """
    tensor = first_tensor(batch)
    if tensor is None or not tensor.ndim:
        raise NetworkError(
            f"A batch is a {type(batch).__name__} without a tensor. Hint: a tensor, a tuple of arguments or a dict of keywords"
        )
    return tensor.shape[0]


def chosen_layers(survey: Survey, selection: Selection) -> tuple[list[FoundLayer], list[int]]:
    """The layers that are asked for of those that a survey saw, and their places in its ``calls``.

    Raises
    ------
    NetworkError
        If a pattern fits nothing, there is no layer, or one cannot be recorded.
    """
    _check_patterns(survey, selection)
    functions = [seen for seen in survey.calls if seen.role == "activation" and not _left_out(seen, selection)]
    numbers = [
        number
        for number, seen in enumerate(survey.calls)
        if seen.is_chosen or (selection.all_activations and _is_default(seen, selection, has_functions=bool(functions)))
    ]
    hidden = {survey.calls[n].name for n in numbers if survey.calls[n].role != "other"}
    # A module that is named like the activation function in it, as in nodescope's own networks, is that layer.
    numbers = [n for n in numbers if survey.calls[n].role != "other" or survey.calls[n].name not in hidden]
    if not numbers:
        raise NetworkError(_nothing_seen(survey))
    for number in numbers:
        seen = survey.calls[number]
        if seen.problem:
            raise NetworkError(f"Layer {seen.name} {_with_pattern(seen)}")
    used = np.cumsum([seen.n_parameters for seen in survey.calls])[numbers]
    parameters = np.diff(used, prepend=0).tolist()
    layers = [layer_of(survey, survey.calls[number], own) for number, own in zip(numbers, parameters, strict=True)]
    return layers, numbers


def decisions(survey: Survey, selection: Selection) -> list[str]:
    """What was decided for the user, a sentence each: which functions are no layers, and what is recorded otherwise."""
    layers, numbers = chosen_layers(survey, selection)
    found = [f"Layer {layer.name}: {layer.note}." for layer in layers if layer.note]
    chosen = {survey.calls[number].name for number in numbers}
    others = [
        seen
        for seen in survey.calls
        if seen.role != "other" and seen.name not in chosen and not _left_out(seen, selection)
    ]
    if not selection.all_activations:
        return found
    for words, names in (
        ("gates beside other activation functions", [seen.name for seen in others if seen.role == "gate"]),
        ("they give probabilities", [seen.name for seen in others if seen.role == "probabilities"]),
        ("they do not depend on the samples", [seen.name for seen in others if is_constant(seen)]),
    ):
        if names:
            found.append(f"Not recorded unless they are named ({words}): {some(names)}.")
    if survey.n_outside:
        found.append(f"{survey.n_outside} calls of activation functions outside of all modules are not recorded.")
    return found


def _left_out(seen: Seen, selection: Selection) -> bool:
    return selection.excludes(seen.names, seen.kind)


def _is_default(seen: Seen, selection: Selection, *, has_functions: bool) -> bool:
    if _left_out(seen, selection) or seen.items or is_constant(seen):
        return False
    return seen.role == "activation" or (seen.role == "gate" and not has_functions)


def is_constant(seen: Seen) -> bool:
    """Whether a call computes something that is the same for all samples, so that it is no layer of theirs."""
    return seen.problem is not None and seen.problem.startswith(CONSTANT)


def _with_pattern(seen: Seen) -> str:
    """A problem, with the pattern that leaves the layer out."""
    assert seen.problem is not None
    return seen.problem.replace("leave it out", f'leave it out, "!{seen.name}"')


def layer_of(survey: Survey, seen: Seen, n_parameters: int) -> FoundLayer:
    """A call that a survey saw, as a layer that uses so many parameters first."""
    assert seen.layout is not None
    return FoundLayer(
        name=seen.name,
        kind=seen.kind,
        values=seen.values,
        activation=seen.activation,
        parameters=seen.parameters,
        nodes=seen.nodes,
        positions=seen.positions,
        node_axis=seen.layout.node_axis,
        sample_axis=seen.layout.sample_axis,
        path=seen.path,
        call=seen.call,
        calls=survey.number_of_calls(seen),
        function=seen.function,
        items=seen.items,
        in_place=seen.in_place,
        n_parameters=n_parameters,
        fan_in=seen.fan_in,
        note=seen.note,
    )


def _check_patterns(survey: Survey, selection: Selection) -> None:
    """Every pattern must fit something that the network calls."""
    for pattern in selection.patterns:
        if any(pattern.fits(seen.names, seen.kind) for seen in survey.calls):
            continue
        unused = [
            path or "the network"
            for module, path in survey.names.items()
            if pattern.fits((path,), type(module).__name__)
        ]
        if unused:
            names = ", ".join(unused[:SHOWN_NAMES])
            raise NetworkError(
                f"layers: pattern '{pattern.text}' fits {names}, which is not used by forward. Hint: leave the pattern out"
            )
        of_type = pattern.type_name is not None
        known = [seen.kind if of_type else seen.name for seen in survey.calls]
        guess = nearest(pattern.text, known)
        excludes = "!" if pattern.excludes else ""
        raise NetworkError(
            f"layers: pattern '{pattern.text}' fits nothing"
            + (f"; did you mean '{excludes}{guess}'?" if guess else ".")
            + f" The network has {some(list(dict.fromkeys(known)))}. Hint: ** stands for any number of names"
        )


def _nothing_seen(survey: Survey) -> str:
    """What to say of a network without activation functions."""
    kind = type(survey.network).__name__
    count = len(survey.names) - 1
    top = [name for name, _ in survey.network.named_children() if any(seen.path == name for seen in survey.calls)]
    named = ", ".join(f'"{name}"' for name in top[:SHOWN_NAMES])
    hint = f"Hint: layers: [{named}] records their outputs" if top else "Hint: layers: names of modules"
    if survey.n_outside:
        return (
            f"the activation functions of {kind} are called outside of its modules ({survey.n_outside} calls), which "
            f"cannot be told apart from other calculations. Hint: call them in the forward of a module"
        )
    return f"no activation function was seen in {count} modules of {kind}. {hint}"


def some(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - SHOWN_NAMES
    return ", ".join(names[:SHOWN_NAMES]) + (f" and {more} more" if more > 0 else "")
