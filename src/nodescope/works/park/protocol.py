"""How the networks of Park (2022) are trained."""

from nodescope.works.park import WORK
from nodescope.works.protocol import (
    KEPT,
    PYTORCH_BATCH_NORM,
    Setting,
    batch_norm,
    batch_size,
    data_set,
    decay,
    epochs,
    kept,
    learning_rates,
    loss,
    optimiser,
    regularisation,
    scaling,
    seeds,
    training_samples,
)

PROTOCOL = (
    *data_set(*WORK.datasets),
    Setting("scaling of the inputs", "centred", scaling, "other first layers"),
    Setting("training samples", "all", training_samples, "fewer steps per epoch: less far from the start"),
    Setting("epochs", "50", epochs, "weights and features spread with training"),
    Setting("learning rates", "0.0001", learning_rates, "weights and features spread faster or slower"),
    Setting("factor on the rate per epoch", "1", decay, "other rates late in training"),
    Setting("batch size", "64", batch_size, "other noise in training"),
    Setting("optimiser", "adam", optimiser, "other networks are found"),
    Setting("loss", "cross-entropy", loss, "other networks are found"),
    Setting("batch normalisation", PYTORCH_BATCH_NORM, batch_norm, "other networks"),
    Setting("explicit regularisation", "none", regularisation, "other networks are found"),
    Setting("parameters that are kept", KEPT["last"], kept, "features of an earlier epoch"),
    Setting("seeds", "not told", seeds, "the source gives no standard errors"),
)
