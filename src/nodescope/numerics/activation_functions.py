"""The activation functions that a network may use, with what the other stages need to know of each.

The NumPy form is what the analyses use (so that they need not import torch); `nodescope.networks` maps the
same names to torch, and a test holds the two against each other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]

#: Pre-activations ``z``, and activations ``T(z)``.
Kind = Literal["pre", "post"]
KINDS: tuple[Kind, ...] = ("pre", "post")

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
        ``T`` on an array of any shape; the dtype is kept. Further arguments are the function's parameters, which broadcast.
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
    apply: Callable[..., Array]
    formula: str
    rectifying: bool
    bounds: tuple[float | None, float | None] = (None, None)
    monotone: bool = True

    def is_monotone(self, parameters: Mapping[str, float | tuple[float, ...]]) -> bool:
        """Whether it is with these parameters: a learned slope may have fallen below zero."""
        return self.monotone and bool(np.all(np.asarray(parameters.get("slope", 0.0)) >= 0))


def _sigmoid(z: Array) -> Array:
    from scipy.special import expit

    return expit(z)


def _elu(z: Array, alpha: float = 1.0, scale: float = 1.0) -> Array:
    negative = alpha * np.expm1(np.minimum(z, 0))
    return (scale * np.where(z > 0, z, negative)).astype(z.dtype)


def prelu(z: Array, slope: float | Array = PRELU_SLOPE) -> Array:
    """Parametric ReLU: the identity above zero, a learned slope below (He et al. 2015)."""
    return np.where(z > 0, z, z * np.asarray(slope, z.dtype))


def _gelu(z: Array) -> Array:
    from scipy.special import ndtr

    return z * ndtr(z)


_ALL = (
    ActivationFunction("identity", lambda z: z, "z", False),
    ActivationFunction("relu", lambda z: np.maximum(z, 0), "max(0, z)", True, (0.0, None)),
    ActivationFunction("sigmoid", _sigmoid, "1 / (1 + exp(-z))", False, (0.0, 1.0)),
    ActivationFunction("tanh", np.tanh, "tanh(z)", False, (-1.0, 1.0)),
    ActivationFunction("leaky_relu", lambda z: prelu(z, 0.01), "max(0.01 z, z)", True),
    ActivationFunction("prelu", prelu, "z if z > 0 else s z, s learned from 0.25 on", True),
    ActivationFunction("elu", _elu, "z if z > 0 else exp(z) - 1", True, (-1.0, None)),
    ActivationFunction(
        "selu",
        lambda z: _elu(z, SELU_ALPHA, SELU_SCALE),
        "1.0507 (z if z > 0 else 1.6733 (exp(z) - 1))",
        True,
        (-SELU_ALPHA * SELU_SCALE, None),
    ),
    ActivationFunction("softplus", lambda z: np.logaddexp(z, z.dtype.type(0)), "log(1 + exp(z))", True, (0.0, None)),
    ActivationFunction("gelu", _gelu, "z Phi(z)", True, monotone=False),
    ActivationFunction("silu", lambda z: z * _sigmoid(z), "z / (1 + exp(-z))", True, monotone=False),
)

ACTIVATION_FUNCTIONS: dict[str, ActivationFunction] = {f.name: f for f in _ALL}

#: Rectifiers without a point at which they switch.
SMOOTH_RECTIFIERS = ("softplus", "gelu", "silu")
