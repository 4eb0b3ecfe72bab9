"""How the networks of Hartmann, Franzen and Brodehl (2021) are trained."""

from nodescope.works.hartmann import WORK
from nodescope.works.protocol import (
    PYTORCH_BATCH_NORM,
    Setting,
    batch_norm,
    batch_size,
    data_set,
    epochs,
    learning_rates,
    loss,
    momentum,
    optimiser,
    regularisation,
    schedule,
    seeds,
    training_samples,
)

PROTOCOL = (
    *data_set(*WORK.datasets),
    Setting("training samples", "all", training_samples, "fewer steps per epoch: patterns have settled less"),
    Setting("epochs", "200", epochs, "patterns have settled less"),
    Setting("seeds", "25 (figure 2)", seeds, "few seeds make the t interval wide"),
    Setting("learning rates", "0.1", learning_rates, "patterns settle earlier or later"),
    Setting("schedule of the rate", "multi_step", schedule, "patterns settle earlier or later"),
    Setting("batch size", "128", batch_size, "other noise in training"),
    Setting("optimiser", "sgd", optimiser, "other networks are found"),
    Setting("momentum", "0.9", momentum, "other networks are found"),
    Setting("loss", "cross-entropy", loss, "other networks are found"),
    Setting("batch normalisation", PYTORCH_BATCH_NORM, batch_norm, "other networks"),
    Setting(
        "explicit regularisation",
        "weight decay: 0.0001, augmentation: flip_crop",
        regularisation,
        "other networks",
    ),
)
