"""Each activation function, with parameters of its own, is what torch computes, and its bounds and order are right."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS, activation_function

Z = np.linspace(-20, 20, 801)

PARAMETERS = st.floats(-2, 2, allow_subnormal=False)


@pytest.mark.parametrize(
    ("name", "parameters", "of_torch"),
    [
        ("leaky_relu", {"slope": 0.2}, lambda z: functional.leaky_relu(z, 0.2)),
        ("leaky_relu", {"slope": 0}, lambda z: functional.leaky_relu(z, 0)),
        ("prelu", {"slope": -0.5}, lambda z: functional.prelu(z, torch.tensor([-0.5], dtype=z.dtype))),
        ("elu", {"alpha": 0.5}, lambda z: functional.elu(z, 0.5)),
        ("elu", {"alpha": 2}, lambda z: functional.elu(z, 2.0)),
        ("softplus", {"beta": 3.0}, lambda z: functional.softplus(z, beta=3.0, threshold=60)),
        ("hardtanh", {"low": -2.0, "high": 0.5}, lambda z: functional.hardtanh(z, -2.0, 0.5)),
    ],
)
def test_with_parameters_both_forms_agree(name, parameters, of_torch):
    function = activation_function(name, parameters)
    np.testing.assert_allclose(function.apply(Z), of_torch(torch.from_numpy(Z)).numpy(), rtol=1e-9, atol=1e-12)
    assert function.apply(Z.astype(np.float32)).dtype == np.float32


def test_a_slope_can_be_one_for_each_node():
    z_JN = np.random.default_rng(0).normal(size=(3, 7)).astype(np.float32)
    slopes = [0.1, 0.0, -0.7]
    function = activation_function("prelu", {"slope": slopes})
    expected = functional.prelu(torch.from_numpy(z_JN.T.copy()), torch.tensor(slopes)).numpy().T
    np.testing.assert_array_equal(function.apply(z_JN), expected)
    np.testing.assert_array_equal(function.apply(z_JN[:, :6].reshape(3, 2, 3)).reshape(3, 6), expected[:, :6])
    assert not function.monotone and function.bounds == (None, None)
    assert activation_function("prelu", {"slope": [0.1, 0.0, 0.7]}).monotone


@given(st.sampled_from(["leaky_relu", "prelu", "elu"]), PARAMETERS)
def test_a_function_with_a_parameter_is_called_monotone_if_it_is(name, value):
    function = activation_function(name, {"alpha" if name == "elu" else "slope": value})
    steps = np.diff(function.apply(np.linspace(-8, 8, 401)))
    assert function.monotone or value < 0
    assert (steps >= 0).all() or not function.monotone


@pytest.mark.parametrize(
    ("name", "parameters"),
    [*((name, {}) for name in ACTIVATION_FUNCTIONS), ("elu", {"alpha": 0.5}), ("leaky_relu", {"slope": 0.0}),
     ("hardtanh", {"low": -2.0, "high": 3.0}), ("softplus", {"beta": 2.0})],
)  # fmt: skip
def test_a_bound_is_where_the_function_saturates(name, parameters):
    function = activation_function(name, parameters)
    for bound, z in zip(function.bounds, np.array([[-1e6], [1e6]]), strict=True):
        found = function.apply(z)[0]
        # Non-monotone rectifiers approach zero too, from a side on which other values lie: no bound of theirs.
        flat = abs(found - function.apply(2 * z)[0]) < 1e-6
        assert (bound is not None) == (flat and function.monotone), z
        assert bound is None or found == pytest.approx(bound, abs=2e-6)


def test_what_does_not_exist_is_named():
    with pytest.raises(ValueError, match="unknown activation function 'reluu'; known: identity, relu"):
        activation_function("reluu", {})
    with pytest.raises(ValueError, match="relu has no parameter slope"):
        activation_function("relu", {"slope": 1.0})
    with pytest.raises(ValueError, match="elu has no parameter slope"):
        activation_function("elu", {"slope": 1.0})
