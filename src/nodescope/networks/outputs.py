"""The tensor in what a module gives: itself, or one of a tuple, dict or dataclass."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any

import torch

Tensor = torch.Tensor


def chosen_tensor(output: Any, items: tuple[str, ...]) -> Tensor | None:
    """The tensor that items choose, by numbers or names, and of several values the first tensor; None if there is none."""
    for item in items:
        values = parts_of(output)
        if item in values:
            output = values[item]
        elif item.isdigit() and int(item) < len(values):
            output = list(values.values())[int(item)]
        else:
            return None
    return first_tensor(output)


def first_tensor(output: Any) -> Tensor | None:
    """The first tensor among an output's values, at any depth."""
    if isinstance(output, Tensor):
        return output
    return next((found for part in parts_of(output).values() if (found := first_tensor(part)) is not None), None)


def parts_of(output: Any) -> dict[str, Any]:
    """The values that an output consists of, by number or name; none of a tensor."""
    if isinstance(output, Mapping):
        return {str(key): value for key, value in output.items()}
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return dict(zip(output._fields, output, strict=True))
    if isinstance(output, list | tuple):
        return {str(number): value for number, value in enumerate(output)}
    if dataclasses.is_dataclass(output) and not isinstance(output, type):
        return {each.name: getattr(output, each.name) for each in dataclasses.fields(output)}
    return {}


def mapped(function: Callable[[Tensor], Tensor], x: Any) -> Any:
    """The same with every tensor of what a network takes."""
    if isinstance(x, Tensor):
        return function(x)
    if isinstance(x, Mapping):
        return {name: mapped(function, value) for name, value in x.items()}
    if isinstance(x, tuple | list):
        return tuple(mapped(function, value) for value in x)
    return x
