"""The tables that training writes; see `nodescope.training.results` and `nodescope.training.pattern_probe`."""

from collections.abc import Iterable
from dataclasses import replace

from nodescope.storage.columns import (
    BEST_EPOCH,
    DESCRIBED_PATTERNS,
    LEARNING_RATE,
    NODES,
    OBJECTIVE,
    SPLIT,
    Column,
    Quantity,
    Table,
    number_of,
    share,
)

ACCURACY_QUANTITY = share("accuracy")
EPOCH = Quantity("epoch", range=(0.0, None), coordinate=True)

LEARNING_CURVES = Table(
    "learning_curves",
    "Losses and accuracy of every network of the learning-rate search after each epoch. Epoch 0 is the network before its first "
    "step, with batch normalisation by the statistics of the training samples. Whichever loss a network is trained with, "
    "both are given, so that networks can be compared.",
    (
        LEARNING_RATE,
        Column("epoch", "int32", "0 before the first step", replace(EPOCH, format="d")),
        SPLIT,
        Column(
            "loss", "float64", "mean cross-entropy; null where it is not finite", Quantity("loss", "nats", (0.0, None))
        ),
        Column("accuracy", "float64", "null where the loss is not finite", ACCURACY_QUANTITY),
        Column(
            "mean_squared_error",
            "float64",
            "of the logits from the one-hot labels; null where it is not finite",
            Quantity("mean squared error", range=(0.0, None)),
        ),
    ),
)

ACCURACY = Table(
    "accuracy",
    "Accuracy of the networks that are kept.",
    (
        LEARNING_RATE,
        BEST_EPOCH,
        SPLIT,
        Column("accuracy", "float64", "null where the network diverged or the split has no sample", ACCURACY_QUANTITY),
    ),
)

REPLICAS = Table(
    "replicas",
    "Every network of every round of the learning-rate search.",
    (
        LEARNING_RATE,
        Column("round", "int32", "of the search, from 1"),
        Column("epochs", "int32", "for which it was trained: candidates may have fewer", number_of("epochs")),
        Column("chosen", "boolean", "whether the learning rate won"),
        BEST_EPOCH,
        Column(
            "validation_accuracy",
            "float64",
            "at the best epoch; null where none was finite",
            share("validation accuracy"),
        ),
        Column(
            "diverged_epoch",
            "int32",
            "first epoch with a loss that is not finite; null where there is none",
            number_of("epoch"),
        ),
        OBJECTIVE,
    ),
)

REFERENCES = {
    "initial": "the untrained network",
    "previous": "the time measured before",
    "final": "the last time",
}
SIMILARITIES = {
    "jaccard": ("Jaccard's index of the sets of patterns and those of", share("Jaccard's index")),
    "weighted_jaccard": ("Jaccard's index of the counts of patterns and those of", share("weighted Jaccard's index")),
    "hamming": ("mean share of the nodes that a sample switches otherwise than in", share("nodes that differ")),
}
_LARGE = ("distinct", "singletons")

#: Of a network at one time.
COUNTED = Column(
    "patterns",
    "int64",
    "patterns that were counted, T: of samples, or of samples and positions",
    number_of("patterns"),
)
DISTINCT_SHARE = Column("distinct_share", "float64", "distinct patterns by all", share("distinct patterns"))


def similarities_with(references: Iterable[str]) -> tuple[Column, ...]:
    """Columns of the similarity of the patterns at one time with those at other times, of `REFERENCES`."""
    return tuple(
        Column(f"{name}_{reference}", "float64", f"{meaning} {REFERENCES[reference]}", quantity)
        for name, (meaning, quantity) in SIMILARITIES.items()
        for reference in references
    )


PATTERN_EVOLUTION = Table(
    "pattern_evolution",
    "Patterns of every hidden layer through training. What follows `patterns` is null where the layer has a value that is not "
    "finite; a similarity also where the reference has, or where there is none.",
    (
        Column("step", "int64", "of training, from 0", replace(number_of("step"), coordinate=True)),
        Column("epoch", "float64", "the same in epochs", EPOCH),
        Column("samples_seen", "int64", "by the training so far", replace(number_of("samples seen"), coordinate=True)),
        Column("layer", "int32", "hidden layer, from 1"),
        Column("layer_name", "string", "of the layer in the network"),
        NODES,
        COUNTED,
        *(replace(column, type="int64") if column.name in _LARGE else column for column in DESCRIBED_PATTERNS),
        DISTINCT_SHARE,
        *similarities_with(REFERENCES),
    ),
)

TABLES = (LEARNING_CURVES, ACCURACY, REPLICAS, PATTERN_EVOLUTION)
