"""Build the networks of a section ``module`` and fill them from their checkpoints.

What the user's function changes in the process (random state, default type and device, threads) is put back.
"""

import difflib
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from nodescope.config.module import Module
from nodescope.jobs.own_functions import OwnFunction, load_function, own_code
from nodescope.messages.errors import FunctionError, WeightsError
from nodescope.networks.brought.checkpoints import (
    FittingWeights,
    MisfitError,
    WantedTensors,
    fitting_weights,
    weights_of,
)

#: Modules that wrap a network, by the names of their classes, and where it is.
_WRAPPERS = {
    "DataParallel": "module",
    "DistributedDataParallel": "module",
    "FullyShardedDataParallel": "module",
    "AveragedModel": "module",
    "OptimizedModule": "_orig_mod",
}


#: What is said of names that no rule of ours explains.
TRANSLATED = "names were translated by the network's own load_state_dict"


def build(module: Module, values: Mapping[str, Any], *, seed: int = 0) -> tuple[nn.Module, tuple[str, ...]]:
    """Call the function that makes a network.

    Parameters
    ----------
    module
    values
        What the placeholders of its checkpoints stand for: passed where the function has a parameter of that name.
    seed
        Of the random numbers that the function draws, and passed where it has a parameter ``seed``.

    Returns
    -------
    network : Module
        In eval mode, on the CPU.
    decisions : tuple of str
        What was decided, a sentence each.

    Raises
    ------
    FunctionError
        If there is no such function, it does not take the arguments, fails, or returns something else.
    """
    function = load_function(module.make)
    arguments, unused = _arguments(function, module, {**values, "seed": seed})
    with _isolated(seed):
        made = function(**arguments)
    network, decisions = _unwrapped(made, function)
    if not _on_meta(network):
        network.cpu()
    network.eval()
    if unused:
        decisions.insert(
            0, f"{module.make} has no parameter {' or '.join(unused)}, so all networks are built alike in this"
        )
    return network, tuple(decisions)


def _arguments(function: OwnFunction, module: Module, values: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The arguments of the function, and the placeholders that it has no parameter for."""
    names, takes_any = function.parameters()
    for name in module.arguments:
        if name not in names and not takes_any:
            close = difflib.get_close_matches(name, names, n=1)
            meant = f"did you mean '{close[0]}'? " if close else ""
            raise FunctionError(
                f"with: {function} has no parameter '{name}'; {meant}It has: {', '.join(names) or 'none'}"
            )
    arguments = {name: value for name, value in values.items() if name in names} | dict(module.arguments)
    missing = [name for name in function.required() if name not in arguments]
    if missing:
        raise FunctionError(
            f"{function} needs {' and '.join(missing)}. Hint: with: {{{missing[0]}: ...}}, or a placeholder {{{missing[0]}}} in "
            "checkpoints"
        )
    return arguments, [name for name in values if name not in names and name != "seed"]


@contextmanager
def _isolated(seed: int) -> Iterator[None]:
    """Random numbers from a seed, and the state of the process as it was afterwards."""
    python, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002  (the user's function may draw from it)
    dtype, threads, grad = torch.get_default_dtype(), torch.get_num_threads(), torch.is_grad_enabled()
    with torch.random.fork_rng(devices=[]):
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy_state)  # noqa: NPY002
            torch.set_default_dtype(dtype)
            torch.set_default_device(None)
            torch.set_grad_enabled(grad)
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)


def _unwrapped(made: Any, function: OwnFunction) -> tuple[nn.Module, list[str]]:
    """The network in what the function returned."""
    decisions = []
    while (attribute := _WRAPPERS.get(type(made).__name__)) and isinstance(getattr(made, attribute, None), nn.Module):
        decisions.append(f"{function} returned a {type(made).__name__}, of which the network inside is used")
        made = getattr(made, attribute)
    kind = type(made)
    if isinstance(made, torch.jit.ScriptModule) or kind.__module__.startswith("torch.export"):
        program = "TorchScript" if isinstance(made, torch.jit.ScriptModule) else "torch.export"
        raise FunctionError(
            f"{function} returned a {program} program: it has no layers to look into. Hint: return the nn.Module it was made from"
        )
    if isinstance(made, type) and issubclass(made, nn.Module):
        raise FunctionError(f"{function} returned the class {made.__name__}. Hint: return {made.__name__}()")
    if not isinstance(made, nn.Module):
        what = "nothing" if made is None else f"a {kind.__name__}"
        raise FunctionError(f"{function} returned {what}, not an nn.Module. Hint: return the network alone")
    return made, decisions


def _on_meta(network: nn.Module) -> bool:
    return any(
        tensor.is_meta for tensor in network.state_dict(keep_vars=True).values() if isinstance(tensor, torch.Tensor)
    )


def fitting(network: nn.Module, path: str | Path, module: Module) -> FittingWeights:
    """The tensors of a checkpoint by a network's names; nothing is loaded.

    Raises
    ------
    WeightsError
        If the checkpoint cannot be read or does not fit.
    """
    with own_code(load_function(module.make).place):  # what is trusted may be of classes in the user's files
        return fitting_weights(
            path, WantedTensors.of(network), key=module.weights, ignore=module.ignore, trust=module.trust
        )


def check_weights(network: nn.Module, path: str | Path, module: Module) -> tuple[str, ...]:
    """As `with_weights`, without reading more than names and shapes where these fit.

    Raises
    ------
    WeightsError
        If the checkpoint cannot be read or does not fit.
    """
    try:
        return fitting(network, path, module).decisions
    except MisfitError:
        if _takes_itself(network, path, module):
            return (TRANSLATED,)
        raise


def with_weights(network: nn.Module, path: str | Path, module: Module) -> tuple[str, ...]:
    """Fill a network with a checkpoint, in place.

    Returns
    -------
    tuple of str
        What was decided, a sentence each.

    Raises
    ------
    WeightsError
        As `fitting`.
    """
    try:
        found = fitting(network, path, module)
    except MisfitError as error:
        if _takes_itself(network, path, module):
            return (TRANSLATED,)
        raise error
    decisions = list(found.decisions)
    try:
        network.load_state_dict(dict(found.tensors), strict=False, assign=_on_meta(network))
    except RuntimeError as error:
        raise WeightsError(f"{path} cannot be loaded into the network: {' '.join(str(error).split())[:300]}") from error
    if _on_meta(network):
        lacking = [name for name, tensor in network.named_buffers() if tensor.is_meta]
        lacking += [name for name, tensor in network.named_parameters() if tensor.is_meta]
        raise WeightsError(
            f"{path}: the function left {', '.join(lacking[:5])} on the meta device, and the file does not hold them. Hint: build "
            "the network without torch.device('meta')"
        )
    decisions += _of_values(found.tensors)
    return tuple(decisions)


def _takes_itself(network: nn.Module, path: str | Path, module: Module) -> bool:
    """Whether the network's own ``load_state_dict`` takes a checkpoint, which may translate names of older versions."""
    with own_code(load_function(module.make).place):
        sets = weights_of(path, module.weights, trust=module.trust)
        try:
            network.load_state_dict(sets[0].tensors, strict=True)
        except Exception:  # of the user's own hooks, too
            return False
    return len(sets) == 1


def _of_values(tensors: Mapping[str, torch.Tensor]) -> Iterator[str]:
    kinds = sorted(
        {str(tensor.dtype).removeprefix("torch.") for tensor in tensors.values() if tensor.is_floating_point()}
    )
    if kinds != ["float32"] and kinds:
        yield f"the weights are {' and '.join(kinds)}"
    spoilt = [
        name for name, tensor in tensors.items() if tensor.is_floating_point() and not torch.isfinite(tensor).all()
    ]
    if spoilt:
        yield f"Warning: {', '.join(spoilt[:3])} {'holds' if len(spoilt) == 1 else 'hold'} NaN or infinite values"
