"""How the networks of Pretorius (2020) are trained."""

from nodescope.works.pretorius import WORK
from nodescope.works.protocol import (
    KEPT,
    ON,
    PYTORCH_BATCH_NORM,
    Setting,
    batch_norm,
    batch_size,
    bias,
    choice_of_validation_samples,
    data_set,
    decay,
    epochs,
    kept,
    learning_rates,
    loss,
    networks,
    optimiser,
    refinement,
    regularisation,
    scaling,
    schedule,
    seeds,
    theta,
    ties,
    training_samples,
    validation_samples,
    variants,
)

PROTOCOL = (
    *data_set(*WORK.datasets),
    Setting("networks", "mlp", networks, "the source's claims are judged by fully connected networks alone"),
    Setting("variants", "none", variants, "claims compare networks of one variant; no published number is about one"),
    Setting("scaling of the inputs", "as_is", scaling, "other first layers"),
    Setting("training samples", "all", training_samples, "lower accuracy"),
    Setting(
        "epochs", "300", epochs,
        "shorter training stops before the nets have settled: accuracies may be lower, dead nodes and sparsity differ, "
        "and the search may prefer higher learning rates",
    ),
    Setting("seeds", "3", seeds, "few seeds make the t interval wide, and with one there is none"),
    Setting(
        "learning rates", "0.01, 0.001, 0.0001", learning_rates,
        "other nets are kept; sparsity and dead nodes of sigmoid nets depend on the rate",
    ),
    Setting(
        "refinement of the rate", "iterative grid search, its rounds not told", refinement, "another rate may be kept"
    ),
    Setting("batch size", "64", batch_size, "other noise in training"),
    Setting("factor on the rate per epoch", "0.99", decay, "other rates late in training"),
    Setting("optimiser", "adam", optimiser, "other networks are found"),
    Setting("loss", "cross-entropy", loss, "other networks are found"),
    Setting("batch normalisation", PYTORCH_BATCH_NORM, batch_norm, "other networks"),
    Setting("parameters that are kept", KEPT["best"], kept, "other accuracies"),
    Setting("ties of the best epoch", "not told", ties, "another epoch, earlier or later, may be kept"),
    Setting("schedule of the rate", "exponential", schedule, "other rates late in training"),
    Setting("explicit regularisation", "none", regularisation, "other networks are found"),
    Setting("bias without batch normalisation", "first_layer", bias, "other networks"),
    Setting("theta", ON, theta, "activity, dead nodes and sparsity count other samples as on"),
    Setting("validation samples", "5000", validation_samples, "another choice of epoch and rate"),
    Setting(
        "which samples are for validation", "not told", choice_of_validation_samples,
        "other samples decide on epoch and rate",
    ),
)  # fmt: skip
