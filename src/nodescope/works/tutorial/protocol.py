"""How the networks of the tutorial are trained."""

from typing import TYPE_CHECKING

from nodescope.works.protocol import (
    KEPT,
    Setting,
    activations,
    batch_size,
    bias,
    decay,
    epochs,
    kept,
    layers,
    learning_rates,
    loss,
    networks,
    optimiser,
    regularisation,
    scaling,
    validation_samples,
)

if TYPE_CHECKING:
    from nodescope.config.study import FamilyStudy


def _data(study: "FamilyStudy") -> str:
    return study.dataset.source


def _test_samples(study: "FamilyStudy") -> str:
    return str(getattr(study.dataset, "test_size", "its own"))


PROTOCOL = (
    Setting("data set", "iris", _data, "other activations"),
    Setting("scaling of the inputs", "standardised", scaling, "other first layers"),
    Setting("test samples", "0.2", _test_samples, "other samples decide on the accuracy"),
    Setting("validation samples", "none", validation_samples, "fewer training samples"),
    Setting("networks", "mlp", networks, "other networks"),
    Setting("hidden layers", "64, 32, 16", layers, "other networks"),
    Setting("activation functions", "relu", activations, "other activations"),
    Setting("epochs", "500", epochs, "the nets have settled less, or more"),
    Setting("batch size", "all training samples", batch_size, "other noise in training"),
    Setting("learning rates", "0.001", learning_rates, "other networks are found"),
    Setting("factor on the rate per epoch", "1", decay, "other rates late in training"),
    Setting("optimiser", "adam", optimiser, "other networks are found"),
    Setting("loss", "mean squared error", loss, "other gradients"),
    Setting("explicit regularisation", "none", regularisation, "other networks are found"),
    Setting("bias", "all", bias, "other networks"),
    Setting("parameters that are kept", KEPT["last"], kept, "activations of an earlier epoch"),
)
