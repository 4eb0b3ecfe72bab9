"""Fill a network with the weights of a local file: find out which tensor of the file is which of the network.

Tensors are taken by their names, by their names below a common prefix (``module.``, ``model.``, ``_orig_mod.``), or, in a
network that is a chain of layers, by their order and shapes (``0.weight``, ``2.weight`` of ``nn.Sequential``): whatever is
unambiguous. Anything else is refused with the differences.
"""

import difflib
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from nodescope.families import FAMILIES
from nodescope.messages.errors import WeightsError
from nodescope.networks.weight_files import StateDict, read_state_dicts

NAMED_IN_MESSAGE = 5

#: A counter that matters only without a momentum; older files lack it.
COUNTER = "num_batches_tracked"

#: What PyTorch's wrappers put between the names of modules.
WRAPPERS = re.compile(r"\b(_orig_mod|_fsdp_wrapped_module|_checkpoint_wrapped_module)\.")

#: Lengths by dimension; None where the length is not known yet.
Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class FittingTensors:
    """The tensors of a file by the network's names, and what was decided to find them, a sentence each."""

    tensors: dict[str, torch.Tensor]
    decisions: tuple[str, ...]


def load_weights(network: nn.Module, path: str | Path, *, model: str = "") -> tuple[str, ...]:
    """Fill a network with the tensors of a local file, in place.

    Parameters
    ----------
    path
        See `nodescope.networks.weight_files`.
    model
        Its family; a chain of layers is filled by order where names do not say which tensor is which.

    Returns
    -------
    tuple of str
        What was decided, a sentence each.

    Raises
    ------
    WeightsError
        If the file is missing or damaged, or its tensors are not those of the network; says which are not.
    """
    wanted: dict[str, Shape] = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    fitting = fitting_tensors(path, wanted, is_chain=model in FAMILIES and FAMILIES[model].is_chain)
    network.load_state_dict(fitting.tensors, strict=False)
    return fitting.decisions


def fitting_tensors(path: str | Path, wanted: Mapping[str, Shape], *, is_chain: bool) -> FittingTensors:
    """The tensors of a file that a network of these names and shapes starts with.

    Raises
    ------
    WeightsError
        As `load_weights`.
    """
    state_dicts = [_unwrapped(state_dict) for state_dict in read_state_dicts(path)]
    needed = {name: shape for name, shape in wanted.items() if not name.endswith(COUNTER)}
    found = [
        (state_dict, names, by_order)
        for state_dict in state_dicts
        for names, by_order in _matchings(state_dict, needed, is_chain=is_chain)
    ]
    if not found:
        raise WeightsError(
            _explanation(path, max(state_dicts, key=lambda s: len(s.tensors)), needed, is_chain=is_chain)
        )
    if len(found) > 1:
        places = [_place(state_dict, names) for state_dict, names, _ in found]
        raise WeightsError(
            f"The weights in {path} fit the network more than once: {' and '.join(places)}. Hint: save the intended "
            "weights in a separate file."
        )
    state_dict, names, by_order = found[0]
    decisions = list(_decisions(path, state_dict, names, by_order=by_order))
    tensors = {ours: state_dict.tensors[theirs] for ours, theirs in names.items()}
    decisions += _check_values(path, tensors)
    counters = {name: _counter_of(name, names) for name in wanted if name.endswith(COUNTER)}
    tensors |= {ours: state_dict.tensors[name] for ours, name in counters.items() if name in state_dict.tensors}
    return FittingTensors(tensors, tuple(decisions))


def _unwrapped(state_dict: StateDict) -> StateDict:
    """Without the words of PyTorch's wrappers in names, unless two names became one."""
    tensors = {WRAPPERS.sub("", name): tensor for name, tensor in state_dict.tensors.items()}
    if len(tensors) < len(state_dict.tensors):
        return state_dict
    return StateDict(state_dict.where, tensors, state_dict.ordered)


def _counter_of(name: str, names: Mapping[str, str]) -> str:
    """The file's name of a counter, which lies beside the running mean."""
    return names[name.replace(COUNTER, "running_mean")].replace("running_mean", COUNTER)


def _matchings(
    state_dict: StateDict, needed: Mapping[str, Shape], *, is_chain: bool
) -> list[tuple[dict[str, str], bool]]:
    """The file's name of each of the network's tensors, in each way that fits; and whether it is by their order."""
    there = {name: tuple(t.shape) for name, t in state_dict.tensors.items() if not name.endswith(COUNTER)}
    found: list[tuple[dict[str, str], bool]] = []
    for prefix in sorted(_prefixes(there, needed)):
        below = {name for name in there if name.startswith(prefix)}
        names = {name: prefix + name for name in needed}
        if set(names.values()) == below and all(_fits(there[names[name]], needed[name]) for name in needed):
            found.append((names, False))
    if not found and is_chain and (in_order := _by_order(there, needed, ordered=state_dict.ordered)):
        found.append((in_order, True))
    return found


def _prefixes(there: Mapping[str, Shape], needed: Mapping[str, Shape]) -> Counter[str]:
    """What stands before the network's names in the file, and how often."""
    return Counter(
        name.removesuffix(ours) for ours in needed for name in there if name == ours or name.endswith("." + ours)
    )


def _fits(shape: Shape, wanted: Shape) -> bool:
    return len(shape) == len(wanted) and all(b in (None, a) for a, b in zip(shape, wanted, strict=True))


def _by_order(there: Mapping[str, Shape], needed: Mapping[str, Shape], *, ordered: bool) -> dict[str, str] | None:
    """The tensors one after another, if modules, kinds and shapes agree at every place.

    In the order of the file, if it has one that the numbers in the names do not contradict (a state dict that was sorted
    by name has 10.weight before 2.weight); else in that of the numbers, if they tell all tensors of one shape apart.
    """
    if len(there) != len(needed):
        return None
    orders = []
    if ordered and _numbers_rise(there):
        orders.append(list(there))
    if _numbered(there):
        orders.append(in_order_of_numbers(there))
    return next((names for order in orders if (names := _one_by_one(order, there, needed))), None)


def _one_by_one(order: list[str], there: Mapping[str, Shape], needed: Mapping[str, Shape]) -> dict[str, str] | None:
    names = dict(zip(needed, order, strict=True))
    modules = {(ours.rpartition(".")[0], theirs.rpartition(".")[0]) for ours, theirs in names.items()}
    one_to_one = len(modules) == len({ours for ours, _ in modules}) == len({theirs for _, theirs in modules})
    agree = all(
        ours.rpartition(".")[2] == theirs.rpartition(".")[2] and _fits(there[theirs], needed[ours])
        for ours, theirs in names.items()
    )
    return names if one_to_one and agree else None


def _numbers_rise(names: Iterable[str]) -> bool:
    """Whether names that differ in their numbers only come in the order of these."""
    last: dict[str, list[int]] = {}
    for name in names:
        pattern, numbers = re.sub(r"\d+", "#", name), [int(number) for number in re.findall(r"\d+", name)]
        if numbers < last.get(pattern, []):
            return False
        last[pattern] = numbers
    return True


def in_order_of_numbers(names: Iterable[str]) -> list[str]:
    """By name, numbers in them as numbers: 2.weight before 10.weight; and weight before bias."""
    kinds = {"weight": 0, "bias": 1, "running_mean": 2, "running_var": 3}

    def parts(name: str) -> list[tuple[bool, int, str]]:
        return [(not part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", name)]

    def place(name: str) -> tuple[object, ...]:
        module, _, kind = name.rpartition(".")
        return parts(module), kinds.get(kind, 4), parts(name)

    return sorted(names, key=place)


def _numbered(there: Mapping[str, Shape]) -> bool:
    """Whether tensors that could be taken for one another differ in their numbers only, which then give the order."""
    patterns: dict[tuple[str, Shape], set[str]] = {}
    for name, shape in there.items():
        patterns.setdefault((name.rpartition(".")[2], shape), set()).add(re.sub(r"\d+", "#", name))
    return all(len(names) == 1 for names in patterns.values())


def _place(state_dict: StateDict, names: Mapping[str, str]) -> str:
    ours, theirs = next(iter(names.items()))
    prefix = theirs.removesuffix(ours)
    return f"'{state_dict.where}.{prefix}'" if state_dict.where else f"'{prefix}'"


def _decisions(path: str | Path, state_dict: StateDict, names: Mapping[str, str], *, by_order: bool) -> list[str]:
    said = []
    if state_dict.where:
        said.append(f"the weights are those below '{state_dict.where}' in {path}")
    if by_order:
        pairs = _some([f"{theirs} is {ours}" for ours, theirs in names.items()])
        said.append(f"tensors of {path} are taken by their order and shapes: {pairs}")
        return said
    ours, theirs = next(iter(names.items()))
    if prefix := theirs.removesuffix(ours):
        said.append(f"the prefix '{prefix}' of the names in {path} is left out")
    others = [name for name in state_dict.tensors if not name.startswith(prefix)]
    if others:
        said.append(f"tensors of {path} that are not below '{prefix}' are not used: {_some(others)}")
    return said


def _check_values(path: str | Path, tensors: Mapping[str, torch.Tensor]) -> list[str]:
    """That they are finite real numbers; what is said where they are not float32."""
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or tensor.is_quantized or tensor.layout is not torch.strided:
            raise WeightsError(
                f"The weights in {path} are not plain real numbers: {name} is {_type(tensor)}. "
                "Hint: save them as float32, not quantised and not sparse."
            )
        if not torch.isfinite(tensor.float()).all():
            raise WeightsError(
                f"The weights in {path} are not all finite numbers: {name} holds NaN or infinite values. Hint: use "
                "the weights of a network that has not diverged."
            )
    others = sorted({_type(tensor) for tensor in tensors.values()} - {"float32"})
    return [f"the weights in {path} are {' and '.join(others)} and are taken as float32"] if others else []


def _type(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _explanation(path: str | Path, state_dict: StateDict, needed: Mapping[str, Shape], *, is_chain: bool) -> str:
    """What the file holds, what the network expects, and what may be the reason."""
    shapes: dict[str, Shape] = {
        name: tuple(tensor.shape) for name, tensor in state_dict.tensors.items() if not name.endswith(COUNTER)
    }
    has_order = state_dict.ordered and _numbers_rise(shapes)
    there = shapes if has_order else {name: shapes[name] for name in in_order_of_numbers(shapes)}
    prefixes = _prefixes(there, needed)
    prefix = prefixes.most_common(1)[0][0] if prefixes else ""
    below = {name.removeprefix(prefix): shape for name, shape in there.items() if name.startswith(prefix)}
    by_name = prefixes or not is_chain
    pairs = {name: name for name in needed if name in below} if by_name else dict(zip(needed, below, strict=False))
    misfits = {ours: theirs for ours, theirs in pairs.items() if not _fits(below[theirs], needed[ours])}
    missing = [name for name in needed if name not in pairs]
    unknown = [name for name in below if name not in pairs.values()]
    lists = {
        "missing": [f"{name} ({_text(needed[name])}){_nearest(name, unknown)}" for name in missing],
        "not in the network": [f"{name} ({_text(below[name])})" for name in unknown],
        "of another shape": [
            f"{theirs} is {_text(below[theirs])}, the network's {'' if ours == theirs else ours + ' '}{_text(needed[ours])}"
            for ours, theirs in misfits.items()
        ],
        "the file has": [f"{name} {_text(shape)}" for name, shape in below.items()],
        "the network expects": [f"{name} {_text(shape)}" for name, shape in needed.items()],
    }
    problems = [f"{what}: {_some(names)}" for what, names in lists.items() if names]
    hint = _reason(below, needed, misfits, missing, unknown)
    return f"The weights in {path} do not fit the network.\n  " + "\n  ".join(problems) + f"\nHint: {hint}."


def _reason(
    there: Mapping[str, Shape],
    needed: Mapping[str, Shape],
    misfits: Mapping[str, str],
    missing: list[str],
    unknown: list[str],
) -> str:
    """The most likely reason, and what to do."""
    if not misfits and not missing and not unknown:
        return (
            "the shapes match, but names and order are ambiguous; number the layers, as nn.Sequential does, or name "
            "the tensors as the network does"
        )
    first = next(iter(needed))
    head = list(needed)[-1].rpartition(".")[0]
    matrices, wanted_matrices = ([s for s in shapes.values() if len(s) > 1] for shapes in (there, needed))
    layers, wanted_layers = len(matrices), len(wanted_matrices)
    if misfits and all(len(there[t]) == 2 and _fits(there[t][::-1], needed[o]) for o, t in misfits.items()):
        return (
            "the matrices seem to be stored as [in, out], as Keras and JAX do; transpose them to [out, in], as PyTorch has "
            "them"
        )
    if layers != wanted_layers:
        return (
            f"the file has {layers} layers with weights, the network {wanted_layers}, the output layer counted; grid.depth "
            "and the kind of network must be those that the file was made from"
        )
    biases, wanted_biases, norms, wanted_norms = (
        sum(name.endswith(kind) for name in names) for kind in (".bias", ".running_mean") for names in (there, needed)
    )
    all_matrices_fit = all(map(_fits, matrices, wanted_matrices))
    if norms != wanted_norms and all_matrices_fit:
        return (
            f"the file has {norms or 'no'} batch normalisations, the network {wanted_norms or 'none'}; grid.batch_norm must "
            "be as in the network that the file was made from"
        )
    if biases != wanted_biases and all_matrices_fit:
        if norms and biases > wanted_biases:
            return (
                "the file has more biases than the network, whose layers have none before batch normalisation. Save it "
                "without them: subtract each from the running mean behind it, which computes the same; network.bias: "
                "all_and_output keeps that of the output layer"
            )
        bias = "none, first_layer or all" if biases < wanted_biases else "first_layer, all or all_and_output"
        return (
            f"the file has {'fewer' if biases < wanted_biases else 'more'} biases than the network; in an mlp without "
            f"batch normalisation network.bias sets which layers have one: {bias}"
        )
    if not missing and not unknown and misfits and all(name.rpartition(".")[0] == head for name in misfits):
        theirs, ours = (
            shapes[name][0] for shapes, name in ((there, misfits[next(iter(misfits))]), (needed, next(iter(misfits))))
        )
        if theirs != ours:
            return (
                f"the output layer of the file tells {theirs} classes apart, the data set has {ours}; use weights for "
                "this number of classes, or retrain that layer in PyTorch and save the network"
            )
    if list(misfits) == [first] and there[misfits[first]][1:2] != needed[first][1:2]:
        theirs, ours = there[misfits[first]][1], needed[first][1]
        return (
            f"the first layer of the file takes {theirs} values or colours, a sample of the data set has {ours}; the "
            "data must have the format that the file was made for"
        )
    return (
        "depth, width, batch normalisation, biases, colours of the images and number of classes must be those of the network "
        "that the file was made from"
    )


def _nearest(name: str, others: list[str]) -> str:
    close = difflib.get_close_matches(name, others, n=1, cutoff=0.7)
    return f", perhaps {close[0]} of the file" if close else ""


def _text(shape: Shape) -> str:
    return "x".join("?" if length is None else str(length) for length in shape) or "a single number"


def _some(names: list[str]) -> str:
    shown = "; ".join(names[:NAMED_IN_MESSAGE])
    further = len(names) - NAMED_IN_MESSAGE
    return f"{shown}; and {further} more" if further > 0 else shown
