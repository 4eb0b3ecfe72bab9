"""The activation functions that a network may use, with what the other stages need to know of each.

The NumPy form is what the analyses use (so that they need not import torch); `nodescope.networks` maps the
same names to torch, and a test holds the two against each other.

Some have parameters, which a brought network may choose or learn: `activation_function` gives the function with them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

#: Pre-activations ``z``, and activations ``T(z)``.
Kind = Literal["pre", "post"]
KINDS: tuple[Kind, ...] = ("pre", "post")

#: One number, or one for each node.
Parameter = float | Sequence[float]

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805
#: Slope of PReLU below zero before training (He et al. 2015).
PRELU_SLOPE = 0.25


@dataclass(frozen=True)
class ActivationFunction:
    """One activation function ``a = T(z)``.

    Attributes
    ----------
    name : str
        Its name in the configuration, in paths and in tables.
    apply : callable
        ``T`` on an array of any shape; the dtype is kept. Where a parameter is one number for each node, the first axis
        is the nodes.
    formula : str
        For the reader of a figure.
    rectifying : bool
        True for the ReLU family, whose negative side is (nearly) off: initialised after He, and the
        combined layer classifier is defined for it (methods, section 1).
    bounds : tuple of (float or None)
        The values between which it saturates; None where it does not.
    monotone : bool
        Whether a larger ``z`` never gives a smaller ``a``.
    """

    name: str
    apply: Callable[[Array], Array]
    formula: str
    rectifying: bool
    bounds: tuple[float | None, float | None] = (None, None)
    monotone: bool = True


def _sigmoid(z: Array) -> Array:
    from scipy.special import expit

    return expit(z)


def _of_nodes(parameter: Parameter, z: Array) -> Array:
    """A parameter in the dtype of ``z``, broadcast along its first axis where it is one number for each node."""
    values = np.asarray(parameter, z.dtype)
    return values.reshape(-1, *[1] * (z.ndim - 1)) if values.ndim else values


def _elu(z: Array, alpha: Parameter = 1.0, scale: float = 1.0) -> Array:
    negative = (alpha if isinstance(alpha, float) else _of_nodes(alpha, z)) * np.expm1(np.minimum(z, 0))
    return (scale * np.where(z > 0, z, negative)).astype(z.dtype)


def _with_slope(z: Array, slope: Parameter) -> Array:
    return np.where(z > 0, z, z * _of_nodes(slope, z))


def _gelu(z: Array) -> Array:
    from scipy.special import ndtr

    return z * ndtr(z)


def _gelu_tanh(z: Array) -> Array:
    return 0.5 * z * (1 + np.tanh(np.sqrt(2 / np.pi).astype(z.dtype) * (z + 0.044715 * z**3)))


def _hardsigmoid(z: Array) -> Array:
    return np.clip(z + 3, 0, 6) / 6


def _softplus(z: Array, beta: Parameter = 1.0) -> Array:
    scale = _of_nodes(beta, z)
    return np.logaddexp(scale * z, z.dtype.type(0)) / scale


def _smallest(parameter: Parameter) -> float:
    return float(np.min(parameter))


def _rectifier_with_slope(name: str, formula: str, slope: Parameter) -> ActivationFunction:
    bounds = (0.0, None) if np.ndim(slope) == 0 and slope == 0 else (None, None)
    return ActivationFunction(
        name, lambda z: _with_slope(z, slope), formula, True, bounds, monotone=_smallest(slope) >= 0
    )


def _leaky_relu(slope: Parameter = 0.01) -> ActivationFunction:
    number = slope if isinstance(slope, float) else "s"
    return _rectifier_with_slope("leaky_relu", f"max({number} z, z)", slope)


def _prelu(slope: Parameter = PRELU_SLOPE) -> ActivationFunction:
    return _rectifier_with_slope("prelu", "z if z > 0 else s z, s learned from 0.25 on", slope)


def _elu_function(alpha: float = 1.0) -> ActivationFunction:
    factor = "" if alpha == 1 else f"{alpha:g} "
    formula = "z if z > 0 else exp(z) - 1" if alpha == 1 else f"z if z > 0 else {factor}(exp(z) - 1)"
    return ActivationFunction("elu", lambda z: _elu(z, alpha), formula, True, (-alpha, None), monotone=alpha >= 0)


def _softplus_function(beta: float = 1.0) -> ActivationFunction:
    formula = "log(1 + exp(z))" if beta == 1 else f"log(1 + exp({beta:g} z)) / {beta:g}"
    return ActivationFunction("softplus", lambda z: _softplus(z, beta), formula, True, (0.0, None))


def _hardtanh(low: float = -1.0, high: float = 1.0) -> ActivationFunction:
    formula = f"min({high:g}, max({low:g}, z))"
    return ActivationFunction("hardtanh", lambda z: np.clip(z, low, high), formula, low == 0, (low, high))


#: Those with parameters: each gives the function for their values.
_WITH_PARAMETERS: dict[str, Callable[..., ActivationFunction]] = {
    "leaky_relu": _leaky_relu,
    "prelu": _prelu,
    "elu": _elu_function,
    "softplus": _softplus_function,
    "hardtanh": _hardtanh,
}

_ALL = (
    ActivationFunction("identity", lambda z: z, "z", False),
    ActivationFunction("relu", lambda z: np.maximum(z, 0), "max(0, z)", True, (0.0, None)),
    ActivationFunction("sigmoid", _sigmoid, "1 / (1 + exp(-z))", False, (0.0, 1.0)),
    ActivationFunction("tanh", np.tanh, "tanh(z)", False, (-1.0, 1.0)),
    _leaky_relu(),
    _prelu(),
    _elu_function(),
    ActivationFunction(
        "selu",
        lambda z: _elu(z, SELU_ALPHA, SELU_SCALE),
        "1.0507 (z if z > 0 else 1.6733 (exp(z) - 1))",
        True,
        (-SELU_ALPHA * SELU_SCALE, None),
    ),
    _softplus_function(),
    ActivationFunction("gelu", _gelu, "z Phi(z)", True, monotone=False),
    ActivationFunction("silu", lambda z: z * _sigmoid(z), "z / (1 + exp(-z))", True, monotone=False),
    ActivationFunction("relu6", lambda z: np.clip(z, 0, 6), "min(6, max(0, z))", True, (0.0, 6.0)),
    _hardtanh(),
    ActivationFunction("hardswish", lambda z: z * _hardsigmoid(z), "z min(6, max(0, z + 3)) / 6", True, monotone=False),
    ActivationFunction("hardsigmoid", _hardsigmoid, "min(6, max(0, z + 3)) / 6", False, (0.0, 1.0)),
    ActivationFunction("mish", lambda z: z * np.tanh(_softplus(z)), "z tanh(log(1 + exp(z)))", True, monotone=False),
    ActivationFunction(
        "gelu_tanh", _gelu_tanh, "z (1 + tanh(sqrt(2 / pi) (z + 0.044715 z^3))) / 2", True, monotone=False
    ),
    ActivationFunction(
        "quick_gelu", lambda z: z * _sigmoid(1.702 * z), "z / (1 + exp(-1.702 z))", True, monotone=False
    ),
    ActivationFunction("softsign", lambda z: z / (1 + np.abs(z)), "z / (1 + |z|)", False, (-1.0, 1.0)),
)

ACTIVATION_FUNCTIONS: dict[str, ActivationFunction] = {f.name: f for f in _ALL}

#: Rectifiers without a point at which they switch.
SMOOTH_RECTIFIERS = ("softplus", "gelu", "silu", "hardswish", "mish", "gelu_tanh", "quick_gelu")


def activation_function(name: str, parameters: Mapping[str, Parameter]) -> ActivationFunction:
    """An activation function with parameters of its own.

    Parameters
    ----------
    name : str
        One of `ACTIVATION_FUNCTIONS`.
    parameters : mapping
        ``slope`` (``leaky_relu``, ``prelu``; a number, or one for each node), ``alpha`` (``elu``), ``beta``
        (``softplus``), ``low`` and ``high`` (``hardtanh``); those left out keep their default.

    Raises
    ------
    ValueError
        If there is no such function, or it has no such parameter.
    """
    if name not in ACTIVATION_FUNCTIONS:
        raise ValueError(f"unknown activation function {name!r}; known: {', '.join(ACTIVATION_FUNCTIONS)}")
    if not parameters:
        return ACTIVATION_FUNCTIONS[name]
    try:
        return _WITH_PARAMETERS[name](**parameters)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{name} has no parameter {' or '.join(parameters)}") from error
