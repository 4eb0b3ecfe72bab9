"""One forward pass of a network, watched closely: which activation functions and modules it calls, in order.

Hooks on every module and a ``TorchFunctionMode`` see modules, functions and methods alike. A module whose output is what one
activation function made of its input is that function; a function called elsewhere belongs to the module around it.

Everything is taken at the moment of the call, from copies where it may be changed in place, so that a pass can be
recorded while it is surveyed.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nodescope.config.layer_patterns import Pattern, Selection
from nodescope.networks.activation_calls import (
    ActivationCall,
    Role,
    activation_by_values,
    call_of,
    computes,
    is_in_place,
    role_of,
)
from nodescope.networks.hidden import HiddenActivation
from nodescope.networks.hooks import hooked
from nodescope.networks.layout import Layout, Map, layout_of, map_of
from nodescope.networks.outputs import chosen_tensor, first_tensor, parts_of
from nodescope.networks.unwrapping import module_names
from nodescope.numerics.activation_functions import Parameter

Tensor = torch.Tensor

#: Functions that the network itself calls, not one of its modules, are called this much of its forward.
ROOT = "forward"

#: Modules of torch that are no activation functions, so that what enters them need not be kept.
_OTHER_MODULES = (
    nn.Linear, nn.modules.conv._ConvNd, nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm, nn.Embedding,
    nn.RNNBase, nn.modules.dropout._DropoutNd, nn.Identity, nn.Flatten,
)  # fmt: skip

#: Samples and values of a call that are compared with what its activation function makes of them.
COMPARED_SAMPLES = 4
COMPARED_VALUES = 1 << 18


@dataclass
class Seen:
    """One call that may be a layer: of a module, or of a function outside of activation modules.

    Attributes
    ----------
    name : str
        As a layer.
    names : tuple of str
        All names that patterns may mean it by.
    kind : str
        Class of the module, or name of the function.
    path : str
        Of the module, or of the one that calls the function.
    call : int
        Which call it is of the module, or of the function within the module, from 1 on.
    function : str or None
        Name of the function; None of a module.
    role : {'activation', 'gate', 'probabilities', 'other'}
    items : tuple of str
        Which of several outputs.
    activation, parameters
        The activation function, ``identity`` where outputs are recorded.
    values : {'pre_activation', 'output'}
    layout : Layout or None
    problem : str or None
        Why it cannot be recorded, in words that follow its name.
    in_place : bool
        Whether its result is written over its input.
    note : str
        What the user should know of it, or nothing.
    n_parameters : int
        That the network uses for the first time between the call before and the end of this one.
    """

    name: str
    names: tuple[str, ...]
    kind: str
    path: str
    call: int
    function: str | None
    role: Role | Literal["other"]
    items: tuple[str, ...] = ()
    activation: str = "identity"
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    values: Literal["pre_activation", "output"] = "output"
    layout: Layout | None = None
    nodes: int = 0
    positions: int = 1
    problem: str | None = None
    in_place: bool = False
    note: str = ""
    is_chosen: bool = False
    n_parameters: int = 0
    fan_in: int | None = None


#: Called with a call and its tensors [B, J] or [B, J, P...].
Look = Callable[[Seen, Tensor, Tensor], None]


@dataclass
class _FunctionCall:
    """A call of an activation function: what entered and what left it, which may be one tensor of two contents."""

    call: ActivationCall
    given: Tensor
    z: Tensor
    result: Tensor
    a: Tensor
    in_place: bool
    maps: int


@dataclass
class _Frame:
    """A module that is being computed."""

    module: nn.Module
    path: str
    call: int
    given: Tensor | None
    z: Tensor | None
    functions: list[_FunctionCall] = field(default_factory=list)
    has_children: bool = False


class Survey:
    """What a network calls in one forward pass.

    Parameters
    ----------
    network : nn.Module
        Without wrappers.
    selection : Selection
        What will be asked for.
    n_samples : int or None
        B of the batch; None if it is what the first module is given.
    axis : int or None
        The node axis of all layers with positions; looked for by default.
    look : callable
        Sees the tensors of each call that may be asked for.

    Attributes
    ----------
    calls : list of Seen
        In the order in which they were computed.
    """

    def __init__(
        self,
        network: nn.Module,
        selection: Selection,
        n_samples: int | None,
        axis: int | None = None,
        look: Look = lambda seen, z, a: None,
    ) -> None:
        self.network = network
        self.names = module_names(network)
        self.calls: list[Seen] = []
        self.n_outside = 0
        self._selection = selection
        self._n_samples = n_samples
        self._axis = axis
        self._look = look
        self._stack: list[_Frame] = []
        self._module_calls: Counter[nn.Module] = Counter()
        self._function_calls: Counter[tuple[str, str]] = Counter()
        self._maps: list[Map] = []
        self._parameters: set[nn.Parameter] = set()
        self._n_parameters = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Look at the forward pass that runs within."""
        before = (module.register_forward_pre_hook(self._begin, with_kwargs=True) for module in self.names)
        after = (module.register_forward_hook(self._end, with_kwargs=True, always_call=True) for module in self.names)
        with hooked(before), hooked(after), _Mode(self._called):
            yield

    def number_of_calls(self, seen: Seen) -> int:
        """How often a call's module, or the function in it, was called in the whole pass."""
        if seen.function is not None:
            return self._function_calls[seen.path, seen.function]
        return next(self._module_calls[module] for module, path in self.names.items() if path == seen.path)

    def _begin(self, module: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
        if self._stack:
            self._stack[-1].has_children = True
        self._module_calls[module] += 1
        given = first_tensor((*args, *keywords.values()))
        if self._n_samples is None and given is not None and given.ndim:
            self._n_samples = len(given)
        may_be_activation = not isinstance(module, _OTHER_MODULES) and not any(True for _ in module.children())
        kept = given.detach().clone() if may_be_activation and given is not None else None
        self._stack.append(_Frame(module, self.names[module], self._module_calls[module], given, kept))
        for parameter in module.parameters(recurse=False):
            if parameter not in self._parameters:
                self._parameters.add(parameter)
                self._n_parameters += parameter.numel()

    def _end(self, module: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
        frame = self._stack.pop()
        if output is None:  # an error is being raised, or there is nothing to see
            return
        if isinstance(module, nn.RNNBase) and (states := first_tensor(output)) is not None:
            self._maps.append(Map(states.shape[-1], -1, None))
        found = self._as_activation(frame, output)
        if found is not None:
            seen, z, a = found
            self._take(seen, {(): (z, a)}, len(self._maps))
            return
        for each in frame.functions:
            self._take_function(frame.path, each)
        self._take_output(frame, output)

    def _called(self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        call = call_of(function, args, keywords)
        if call is None:
            result = function(*args, **keywords)
            found = map_of(getattr(function, "__name__", ""), args, result)
            if found is not None:
                self._maps.append(found)
            return result
        given = args[0] if args else keywords["input"]
        kept = given.detach().clone()
        result = function(*args, **keywords)
        if not self._stack:
            self.n_outside += 1
            return result
        frame = self._stack[-1]
        is_all = frame.z is not None and given is frame.given
        seen = _FunctionCall(
            call,
            given,
            kept,
            result,
            # Of what may be all that its module computes is known only at the module's end; until then it may change.
            result.detach().clone() if is_all else result,
            is_in_place(function, keywords),
            len(self._maps),
        )
        if is_all:
            frame.functions.append(seen)
        else:
            self._take_function(frame.path, seen)
        return result

    def _as_activation(self, frame: _Frame, output: Any) -> tuple[Seen, Tensor, Tensor] | None:
        """The call, with its tensors, of a module that is an activation function; None of others."""
        if frame.z is None or frame.has_children or not isinstance(output, Tensor):
            return None
        module = frame.module
        names = _names(frame.path, frame.call)
        seen = Seen(names[0], names, type(module).__name__, frame.path, frame.call, None, "activation")
        seen.values = "pre_activation"
        if isinstance(module, HiddenActivation):
            name = frame.path.removesuffix(".activation")
            seen.name, seen.names = _numbered(name, frame.call), (*names, *_names(name, frame.call))
            slope = module.learned_slope()
            seen.activation, seen.parameters = module.function, {} if slope is None else {"slope": slope}
            return seen, frame.z, output
        if len(frame.functions) == 1 and frame.functions[0].result is output:
            only = frame.functions[0]
            seen.role, seen.in_place = only.call.role, only.in_place
            self._name_function(seen, only.call)
            return seen, only.z, output
        made_here = not type(module).__module__.startswith("torch.nn.")
        if made_here and not any(True for _ in module.parameters()):
            known = activation_by_values(_compared(frame.z), _compared(output))
            if known is not None:
                seen.role, seen.activation = role_of(known), known
                seen.in_place = frame.given is output
                return seen, frame.z, output
        return None

    def _take_function(self, path: str, seen: _FunctionCall) -> None:
        kind = seen.call.kind
        self._function_calls[path, kind] += 1
        number = self._function_calls[path, kind]
        name = f"{path or ROOT}/{kind}:{number}"
        found = Seen(name, (name,), kind, path, number, kind, seen.call.role, in_place=seen.in_place)
        found.values = "pre_activation"
        self._name_function(found, seen.call)
        self._take(found, {(): (seen.z, seen.a)}, seen.maps)

    def _name_function(self, seen: Seen, call: ActivationCall) -> None:
        if call.activation is None:
            seen.values = "output"
            if call.role == "activation":
                seen.note = f"{call.kind} with these arguments has no name here, so its output is recorded"
            return
        seen.activation, seen.parameters = call.activation, call.parameters

    def _take_output(self, frame: _Frame, output: Any) -> None:
        names = _names(frame.path or ROOT, frame.call)
        seen = Seen(names[0], names, type(frame.module).__name__, frame.path, frame.call, None, "other")
        if isinstance(output, Tensor):
            self._take(seen, {(): (output, output)}, len(self._maps))
            return
        tensors = {}
        for pattern in self._selection.chosen(names, seen.kind):
            chosen = chosen_tensor(output, pattern.items)
            if chosen is None:
                seen.problem = f"gives {_described(output)}, in which {pattern.text} chooses no tensor. Hint: " + (
                    f"one of {', '.join(f'[{name}]' for name in parts_of(output))}"
                    if parts_of(output)
                    else "leave it out"
                )
                continue
            tensors[pattern.items] = (chosen, chosen)
            if not pattern.items:
                seen.note = f"it gives {_described(output)}, of which the first tensor is recorded"
        self._take(seen, tensors, len(self._maps))

    def _take(self, seen: Seen, tensors: Mapping[tuple[str, ...], tuple[Tensor, Tensor]], n_maps: int) -> None:
        """Keep a call: once, or once for each output that is asked for."""
        chosen: list[Pattern] = self._selection.chosen(seen.names, seen.kind)
        by_default = self._selection.all_activations and not self._selection.excludes(seen.names, seen.kind)
        is_default = by_default and seen.role in ("activation", "gate")
        items = {pattern.items: True for pattern in chosen} | ({(): False} if is_default and not chosen else {})
        # Whether or not it is recorded: who asks for some calls adds up what lies between them.
        seen.n_parameters, self._n_parameters = self._n_parameters, 0
        if not items or seen.problem:
            seen.is_chosen = bool(chosen)
            self.calls.append(seen)
            return
        for which, is_named in items.items():
            name = seen.name + "".join(f"[{item}]" for item in which)
            own = replace(seen, name=name, items=which, is_chosen=is_named, note="" if which else seen.note)
            seen.n_parameters = 0
            self.calls.append(own)
            if which in tensors:
                self._measure(own, *tensors[which], n_maps)
            else:
                own.problem = f"gives one tensor, not several. Hint: {seen.name}"

    def _measure(self, seen: Seen, z: Tensor, a: Tensor, n_maps: int) -> None:
        """Find out how a call's tensors lie and whether its activation function is right, and look at them."""
        z, a = (values.dequantize() if values.is_quantized else values for values in (z.detach(), a.detach()))
        seen.problem = _unusable(a if seen.values == "output" else z)
        if seen.problem:
            return
        maps = self._maps[:n_maps]
        layout = layout_of(
            tuple(a.shape if seen.values == "output" else z.shape), self._n_samples or 0, maps, self._axis
        )
        if isinstance(layout, str):
            seen.problem = layout
            return
        seen.layout = layout
        a = layout.view(a)
        z = a if seen.values == "output" else layout.view(z)
        is_certain = seen.kind == HiddenActivation.__name__ or seen.values == "output"
        if not is_certain and not computes(seen.activation, seen.parameters, _nodes_first(z), _nodes_first(a)):
            seen.note = f"what it computes is not {seen.activation}, so its output is recorded"
            seen.values, seen.activation, seen.parameters, z = "output", "identity", {}, a
        seen.nodes = z.shape[1]
        seen.positions = math.prod(z.shape[2:])
        fitting = [each.fan_in for each in maps if each.nodes == seen.nodes and each.fan_in]
        seen.fan_in = fitting[-1] if fitting else None
        self._look(seen, z, a)


class _Mode(TorchFunctionMode):
    def __init__(self, called: Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]) -> None:
        super().__init__()
        self._called = called

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self._called(func, args, kwargs or {})


def _names(path: str, call: int) -> tuple[str, ...]:
    """The names of a call of a module: its name as a layer, and others that patterns may use."""
    numbered = _numbered(path, call)
    return (numbered,) if call > 1 else (path, f"{path}:1")


def _numbered(path: str, call: int) -> str:
    return path if call == 1 else f"{path}:{call}"


def _unusable(values: Tensor) -> str | None:
    if values.is_complex():
        return "gives complex numbers. Hint: leave it out"
    if not values.is_floating_point():
        return f"gives {str(values.dtype).removeprefix('torch.')}, no real numbers. Hint: leave it out"
    return None


def _compared(values: Tensor) -> Tensor:
    return values.detach()[:COMPARED_SAMPLES].flatten()[:COMPARED_VALUES]


def _nodes_first(values: Tensor) -> Tensor:
    """Some samples of [B, J, ...] as [J, n]."""
    return values[:COMPARED_SAMPLES].transpose(0, 1).flatten(1)[:, : max(1, COMPARED_VALUES // values.shape[1])]


def _described(output: Any) -> str:
    return f"{len(parts_of(output))} values ({type(output).__name__})"
