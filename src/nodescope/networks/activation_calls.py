"""Which activation function a call of torch computes: by the function's name and arguments, or by what it makes of its input."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import torch

from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS, Parameter, activation_function

Tensor = torch.Tensor

#: What a network uses a function for: by default activation functions are recorded; gates, which let a share of other
#: values through, only in a network that has nothing else; probabilities (softmax) are only where they are named.
Role = Literal["activation", "gate", "probabilities"]


@dataclass(frozen=True)
class ActivationCall:
    """A call of a function that is an activation function, or is used as one.

    Attributes
    ----------
    kind : str
        Name of the function in torch: ``relu``, ``hardtanh``.
    role : {'activation', 'gate', 'probabilities'}
    activation : str or None
        Its name among `nodescope.numerics.activation_functions`; None of one that is not among them, so that its outputs
        are recorded.
    parameters : mapping
        Of the activation function, where they are not its defaults.
    """

    kind: str
    role: Role
    activation: str | None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)


Arguments = tuple[Any, ...]
Keywords = Mapping[str, Any]
Found = tuple[str | None, dict[str, Parameter]]


def _argument(args: Arguments, keywords: Keywords, place: int, name: str, default: Any) -> Any:
    return args[place] if len(args) > place else keywords.get(name, default)


def _hardtanh(args: Arguments, keywords: Keywords) -> Found:
    low = float(_argument(args, keywords, 1, "min_val", -1.0))
    high = float(_argument(args, keywords, 2, "max_val", 1.0))
    if (low, high) == (0, 6):
        return "relu6", {}
    return "hardtanh", {} if (low, high) == (-1, 1) else {"low": low, "high": high}


def _leaky_relu(args: Arguments, keywords: Keywords) -> Found:
    slope = float(_argument(args, keywords, 1, "negative_slope", 0.01))
    return "leaky_relu", {} if slope == 0.01 else {"slope": slope}


def _rrelu(args: Arguments, keywords: Keywords) -> Found:
    if _argument(args, keywords, 3, "training", False):
        return None, {}
    lower, upper = _argument(args, keywords, 1, "lower", 1 / 8), _argument(args, keywords, 2, "upper", 1 / 3)
    return "leaky_relu", {"slope": (lower + upper) / 2}


def _prelu(args: Arguments, keywords: Keywords) -> Found:
    slopes = _argument(args, keywords, 1, "weight", None).detach()
    if slopes.is_meta:
        return "prelu", {}
    numbers = slopes.flatten().tolist()
    return "prelu", {"slope": numbers[0] if len(numbers) == 1 else tuple(numbers)}


def _elu(args: Arguments, keywords: Keywords) -> Found:
    alpha = float(_argument(args, keywords, 1, "alpha", 1.0))
    return "elu", {} if alpha == 1 else {"alpha": alpha}


def _celu(args: Arguments, keywords: Keywords) -> Found:
    return "elu" if _argument(args, keywords, 1, "alpha", 1.0) == 1 else None, {}


def _gelu(args: Arguments, keywords: Keywords) -> Found:
    return "gelu_tanh" if _argument(args, keywords, 1, "approximate", "none") == "tanh" else "gelu", {}


def _softplus(args: Arguments, keywords: Keywords) -> Found:
    beta = float(_argument(args, keywords, 1, "beta", 1.0))
    return "softplus", {} if beta == 1 else {"beta": beta}


def _threshold(args: Arguments, keywords: Keywords) -> Found:
    limits = _argument(args, keywords, 1, "threshold", None), _argument(args, keywords, 2, "value", None)
    return "relu" if limits == (0, 0) else None, {}


def _plain(name: str | None) -> Callable[[Arguments, Keywords], Found]:
    return lambda args, keywords: (name, {})


#: By the name of a function in torch, without the ``_`` of its in-place form.
_FUNCTIONS: dict[str, tuple[Role, Callable[[Arguments, Keywords], Found]]] = {
    **{name: ("activation", _plain(name)) for name in ("relu", "relu6", "tanh", "selu", "silu", "hardswish", "mish")},
    "softsign": ("activation", _plain("softsign")),
    "hardtanh": ("activation", _hardtanh),
    "leaky_relu": ("activation", _leaky_relu),
    "rrelu": ("activation", _rrelu),
    "prelu": ("activation", _prelu),
    "elu": ("activation", _elu),
    "celu": ("activation", _celu),
    "gelu": ("activation", _gelu),
    "softplus": ("activation", _softplus),
    "threshold": ("activation", _threshold),
    **{name: ("activation", _plain(None)) for name in ("hardshrink", "softshrink", "tanhshrink", "logsigmoid")},
    "sigmoid": ("gate", _plain("sigmoid")),
    "hardsigmoid": ("gate", _plain("hardsigmoid")),
    "glu": ("gate", _plain(None)),
    **{name: ("probabilities", _plain(None)) for name in ("softmax", "log_softmax", "softmin")},
}  # fmt: skip

_OTHER_NAMES = {"special_expit": "sigmoid", "log_sigmoid": "logsigmoid", "_threshold": "threshold"}


def call_of(function: Callable[..., Any], args: Arguments, keywords: Keywords) -> ActivationCall | None:
    """The activation function that a call computes; None where it is none."""
    name = getattr(function, "__name__", "")
    kind = _OTHER_NAMES.get(name, name.removesuffix("_"))
    if kind not in _FUNCTIONS or not isinstance(_argument(args, keywords, 0, "input", None), Tensor):
        return None
    role, found = _FUNCTIONS[kind]
    return ActivationCall(kind, role, *found(args, keywords))


def is_in_place(function: Callable[..., Any], keywords: Keywords) -> bool:
    """Whether a call by these names writes its result over its input."""
    name = getattr(function, "__name__", "")
    return bool((name.endswith("_") and not name.endswith("__")) or keywords.get("inplace") or "out" in keywords)


def role_of(activation: str) -> Role:
    """What a function of this name is used for in a network that has others."""
    return "gate" if activation in ("sigmoid", "hardsigmoid") else "activation"


def computes(activation: str, parameters: Mapping[str, Parameter], z: Tensor, a: Tensor) -> bool:
    """Whether a network made ``a`` of ``z`` by this function; both [J, ...], and true of tensors without values."""
    if z.is_meta or a.is_meta:
        return True
    if z.shape != a.shape:
        return False
    precision = max(1e-5, 2 * torch.finfo(a.dtype).eps)
    before, after = (values.detach().float().cpu().numpy() for values in (z, a))
    with np.errstate(over="ignore", invalid="ignore"):
        try:
            expected = activation_function(activation, parameters).apply(before)
        except ValueError:  # as many slopes as there are no nodes
            return False
        known = np.isfinite(before) & np.isfinite(after)
        return bool(np.isclose(after, expected, rtol=precision, atol=precision)[known].all())


def activation_by_values(z: Tensor, a: Tensor) -> str | None:
    """The first activation function without parameters that makes ``a`` of ``z``; None where there is none.

    That a module gives what it is given, as dropout does in evaluation, makes it no activation function.
    """
    if z.is_meta or z.shape != a.shape or not z.is_floating_point() or computes("identity", {}, z, a):
        return None
    return next((name for name in ACTIVATION_FUNCTIONS if name != "identity" and computes(name, {}, z, a)), None)
