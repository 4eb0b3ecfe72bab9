"""Look at the layers of a network while it computes, batch by batch.

Where a layer is a module this takes a hook; a ``TorchFunctionMode`` is on only while modules run that call activation
functions themselves, as it costs some 10 microseconds for each call of torch.
"""

from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from nodescope.messages.errors import NetworkError
from nodescope.networks.activation_calls import call_of
from nodescope.networks.found_layers import FoundLayer
from nodescope.networks.hooks import hooked
from nodescope.networks.outputs import chosen_tensor, first_tensor
from nodescope.networks.unwrapping import module_names, unwrapped

Tensor = torch.Tensor

#: Sees the number of a layer among those found, and its pre-activations and activations, [B, J] or [B, J, P...]; of recorded
#: outputs both are the outputs. They are the network's own tensors, of any dtype: to be read at once and not kept.
Look = Callable[[int, Tensor, Tensor], None]


@contextmanager
def watched(
    network: nn.Module,
    found: Sequence[FoundLayer],
    look: Look,
    *,
    inputs_only: Container[int] = (),
    differentiable: bool = False,
) -> Iterator["Watch"]:
    """Look at layers in every forward pass within.

    Parameters
    ----------
    network
        The module; wrappers are looked through.
    found
        Layers from `nodescope.networks.found_layers.find_layers`.
    look
        See `Look`.
    inputs_only
        Layers of which only the pre-activations are needed; ``look`` gets them twice. Nothing is copied then where the
        activation function works in place.
    differentiable
        Whether ``look`` gets the tensors of the forward pass themselves, as they lie, on which gradients can be asked for.

    Raises
    ------
    NetworkError
        In a forward pass that calls other layers than were found.
    """
    watch = Watch(unwrapped(network), found, look, inputs_only, differentiable=differentiable)
    with watch.attached(per_forward=True):
        yield watch


class Watch:
    """Looks at layers; what a batch is, is said by `restart` and `check`.

    Parameters
    ----------
    network, found, look, inputs_only
        As of `watched`.

    Attributes
    ----------
    is_attached : bool
        Whether its hooks are on the network.
    """

    def __init__(
        self,
        network: nn.Module,
        found: Sequence[FoundLayer],
        look: Look,
        inputs_only: Container[int] = (),
        *,
        differentiable: bool = False,
    ) -> None:
        self._network = network
        self._found = found
        self._look = look
        self._inputs_only = inputs_only
        self._differentiable = differentiable
        self._modules: dict[str, dict[int, list[int]]] = {}
        self._functions: dict[tuple[str, str], dict[int, int]] = {}
        for number, layer in enumerate(found):
            if layer.function is None:
                self._modules.setdefault(layer.path, {}).setdefault(layer.call, []).append(number)
            else:
                self._functions.setdefault((layer.path, layer.function), {})[layer.call] = number
        self._calls: Counter[Any] = Counter()
        self._before: dict[str, list[Tensor]] = {}
        self._stack: list[str] = []
        self._batches = 0
        self._mode = _Mode(self._called)
        self._entered = ExitStack()
        self.is_attached = False

    def restart(self) -> None:
        """Say that a batch begins."""
        self._calls.clear()
        self._before.clear()
        self._batches += 1

    def check(self) -> None:
        """Say that a batch has ended.

        Raises
        ------
        NetworkError
            If layers were called more or less often than when they were found.
        """
        for layer in self._found:
            called = self._calls[layer.path if layer.function is None else (layer.path, layer.function)]
            if called != layer.calls:
                raise NetworkError(_other_calls(layer, called, self._batches))

    @contextmanager
    def attached(self, *, per_forward: bool = False) -> Iterator[None]:
        """Keep the hooks for the length of a block; with ``per_forward`` every pass of the network is a batch."""
        names = module_names(self._network)
        with hooked(self._handles(names, per_forward=per_forward)):
            self.is_attached = True
            try:
                yield
            finally:
                self.is_attached = False
                self._stack.clear()
                self._entered.close()  # of a pass that was broken off

    def _handles(self, names: dict[nn.Module, str], *, per_forward: bool) -> Iterator[Any]:
        if per_forward:
            yield self._network.register_forward_pre_hook(lambda *_: self.restart())
        callers = {path for path, _ in self._functions}
        for module, path in names.items():
            if path in self._modules:
                yield module.register_forward_pre_hook(self._entering(path), with_kwargs=True)
                yield module.register_forward_hook(self._leaving(path), with_kwargs=True)
            if callers and self._may_call_functions(module, path, callers):
                yield module.register_forward_pre_hook(self._pushing(path))
                yield module.register_forward_hook(self._popping, always_call=True)
        if per_forward:
            yield self._network.register_forward_hook(lambda *_: self.check())

    @staticmethod
    def _may_call_functions(module: nn.Module, path: str, callers: set[str]) -> bool:
        """Whether a module has layers that are functions, or runs within one that has, whose functions are not its own."""
        return path in callers or any(not caller or path.startswith(f"{caller}.") for caller in callers)

    def _pushing(self, path: str) -> Callable[..., None]:
        def push(*_: Any) -> None:
            if not self._stack:
                self._entered.enter_context(self._mode)
            self._stack.append(path)

        return push

    def _popping(self, *_: Any) -> None:
        self._stack.pop()
        if not self._stack:
            self._entered.close()

    def _called(self, function: Callable[..., Any], args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        call = call_of(function, args, keywords)
        if call is None or not self._stack:
            return function(*args, **keywords)
        key = self._stack[-1], call.kind
        self._calls[key] += 1
        number = self._functions.get(key, {}).get(self._calls[key])
        if number is None:
            return function(*args, **keywords)
        given = args[0] if args else keywords["input"]
        z = self._taken_before(number, given)
        result = function(*args, **keywords)
        self._see(number, z, result)
        return result

    def _entering(self, path: str) -> Callable[..., None]:
        def enter(module: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any]) -> None:
            self._calls[path] += 1
            numbers = self._modules[path].get(self._calls[path], [])
            given = first_tensor((*args, *keywords.values())) if numbers else None
            if given is not None:
                self._before[path] = [self._taken_before(number, given) for number in numbers]

        return enter

    def _leaving(self, path: str) -> Callable[..., None]:
        def leave(module: nn.Module, args: tuple[Any, ...], keywords: dict[str, Any], output: Any) -> None:
            numbers = self._modules[path].get(self._calls[path], [])
            before = self._before.pop(path, None)
            for place, number in enumerate(numbers):
                a = chosen_tensor(output, self._found[number].items)
                if a is None:
                    raise NetworkError(f"Layer {self._found[number].name} gave no tensor in batch {self._batches}")
                self._see(number, a if before is None else before[place], a)

        return leave

    def _taken_before(self, number: int, given: Tensor) -> Tensor:
        """What enters a layer, copied if the layer writes over it and both are needed; or seen already."""
        layer = self._found[number]
        if layer.values == "output" or self._differentiable:
            return given
        if number in self._inputs_only:
            z = layer.layout.view(given.detach())
            self._look(number, z, z)
            return given
        return given.detach().clone() if layer.in_place else given

    def _see(self, number: int, z: Tensor, a: Tensor) -> None:
        layer = self._found[number]
        if self._differentiable:
            self._look(number, z, a)
        elif layer.values == "output":
            a = a.dequantize() if a.is_quantized else a
            view = layer.layout.view(a.detach())
            self._look(number, view, view)
        elif number not in self._inputs_only:
            self._look(number, layer.layout.view(z.detach()), layer.layout.view(a.detach()))


class _Mode(TorchFunctionMode):
    def __init__(self, called: Callable[[Callable[..., Any], tuple[Any, ...], dict[str, Any]], Any]) -> None:
        super().__init__()
        self._called = called

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return self._called(func, args, kwargs or {})


def _other_calls(layer: FoundLayer, called: int, batch: int) -> str:
    where = f"{layer.path or 'forward'}/{layer.function}" if layer.function else layer.path
    return (
        f"Layer {where} was called {_times(layer.calls)} in batch 1 and {_times(called)} in batch {batch}; recorded layers "
        f'must not depend on the data. Hint: leave it out: "!{where}"'
    )


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")
