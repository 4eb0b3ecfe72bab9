"""Which classes does a network get right, and do other seeds err on the same samples?

Formula: recall of a class is the share of its samples that are predicted as it, with Wilson's 95 % interval; precision is the
share of the samples predicted as it that have it. The prediction is the class of the largest output; of equal ones the lower.
``wrong_in_all`` and ``wrong_in_any`` count the samples of the class that the networks of all seeds, or of at least one, get
wrong. The summary has the accuracy of each network, its balanced accuracy (mean recall of the classes that have samples) and
its generalisation gap: the accuracy on training samples less that on the split (methods, section 8).
Needs: the output of the networks, and classes.
Gives: one row per seed, state, split and class. Recall is null where the class has no sample, precision where it is never
predicted, and all of a network whose output is not one finite number per class. Cost: O(N).
"""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nodescope.analyses import Analysis, Parts, Summary
from nodescope.config.analysis_fields import LayerOptions
from nodescope.storage.columns import CLASS, SPLIT, STATE, Column, Table, number_of, points, share

if TYPE_CHECKING:
    import polars as pl

    from nodescope.measuring.recordings import Predictions, RecordedNetworks


class ClassAccuracy(LayerOptions):
    """How well each network recognises each class."""


def measure(networks: "RecordedNetworks", options: ClassAccuracy) -> Parts:
    """Columns seed, state, split, class, and those that are declared from samples to wrong_in_any."""
    for state in networks.states:
        for split in options.splits:
            found = {seed: networks.predictions(seed, state, split) for seed in networks.seeds}
            known = {seed: predictions for seed, predictions in found.items() if predictions is not None}
            over_seeds = _wrong_over_seeds(list(known.values()))
            for seed, predictions in known.items():
                yield {"seed": seed, "state": state, "split": split} | of_classes(predictions) | over_seeds


def of_classes(predictions: "Predictions") -> dict[str, Any]:
    """Columns class, samples and those from right to precision, of one network on one split."""
    from nodescope.numerics.intervals import wilson  # late: it imports scipy

    labels_N, predicted_N, classes = predictions.labels, predictions.predicted, predictions.n_classes
    samples_C = np.bincount(labels_N, minlength=classes)
    row: dict[str, Any] = {"class": np.arange(classes), "samples": samples_C}
    if predicted_N is None:
        return row
    right_C = np.bincount(labels_N[predicted_N == labels_N], minlength=classes)
    predicted_C = np.bincount(predicted_N, minlength=classes)
    ends = [wilson(int(right), int(samples)) for right, samples in zip(right_C, samples_C, strict=True)]
    return row | {
        "right": right_C,
        "recall": _ratio(right_C, samples_C),
        "recall_low": [None if end is None else end[0] for end in ends],
        "recall_high": [None if end is None else end[1] for end in ends],
        "predictions": predicted_C,
        "precision": _ratio(right_C, predicted_C),
    }


def _ratio(part_C: NDArray[np.int64], whole_C: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.divide(part_C, whole_C, out=np.full(len(part_C), np.nan), where=whole_C > 0)


def _wrong_over_seeds(predictions: "list[Predictions]") -> dict[str, NDArray[np.int64]]:
    """Columns wrong_in_all and wrong_in_any [C], over the seeds whose predictions are known on the same samples."""
    wrong, first = [], None
    for of_seed in predictions:
        if of_seed.predicted is None:
            continue
        order = np.argsort(of_seed.samples, kind="stable")
        samples, labels = of_seed.samples[order], of_seed.labels[order]
        first = first or (samples, labels, of_seed.n_classes)
        if not (np.array_equal(samples, first[0]) and np.array_equal(labels, first[1])):
            return {}
        wrong.append(of_seed.predicted[order] != labels)
    if first is None:
        return {}
    _, labels, classes = first
    return {
        "wrong_in_all": np.bincount(labels[np.all(wrong, axis=0)], minlength=classes),
        "wrong_in_any": np.bincount(labels[np.any(wrong, axis=0)], minlength=classes),
    }


def of_networks(table: "pl.DataFrame") -> "pl.DataFrame":
    """Key columns, state, split, samples, wrong, accuracy, balanced_accuracy, generalisation_gap, wrong_in_all, wrong_in_any."""
    import polars as pl

    keys = table.columns[: table.columns.index("class")]
    net = [name for name in keys if name != "split"]
    known = pl.col("right").is_not_null().all()
    right, samples = pl.col("right").sum(), pl.col("samples").sum()
    totals = [pl.when(pl.col(name).is_not_null().all()).then(pl.col(name).sum().cast(pl.Int32)).alias(name)
              for name in ("wrong_in_all", "wrong_in_any")]  # fmt: skip
    found = table.group_by(keys, maintain_order=True).agg(
        samples=samples.cast(pl.Int32),
        wrong=pl.when(known).then((samples - right).cast(pl.Int32)),
        accuracy=pl.when(known & (samples > 0)).then(right / samples),
        balanced_accuracy=pl.when(known).then(pl.col("recall").mean()),
        wrong_in_all=totals[0],
        wrong_in_any=totals[1],
    )
    of_training = found.filter(pl.col("split") == "train").select(*net, training="accuracy")
    gap = pl.when(pl.col("split") != "train").then(pl.col("training") - pl.col("accuracy"))
    return found.join(of_training, on=net, how="left", nulls_equal=True, maintain_order="left").select(
        *keys, "samples", "wrong", "accuracy", "balanced_accuracy", gap.alias("generalisation_gap"), "wrong_in_all", "wrong_in_any"
    )  # fmt: skip


SAMPLES = Column("samples", "int32", "samples of the class", number_of("samples"))
WRONG_IN_ALL = Column(
    "wrong_in_all",
    "int32",
    "samples that all seeds' networks get wrong; null where seeds have others",
    number_of("wrong in all seeds"),
)
WRONG_IN_ANY = Column(
    "wrong_in_any", "int32", "samples that at least one seed's network gets wrong", number_of("wrong in any seed")
)

ANALYSIS = Analysis(
    title="accuracy per class",
    job="nodes",
    order=76,
    options=ClassAccuracy,
    columns=(
        STATE,
        SPLIT,
        CLASS,
        SAMPLES,
        Column("right", "int32", "of these, those that are predicted as the class", number_of("right samples")),
        Column("recall", "float64", "share of right ones; null where the class has no sample", share("recall")),
        Column("recall_low", "float64", "lower end of Wilson's 95 % interval of the recall", share("recall")),
        Column("recall_high", "float64", "upper end of it", share("recall")),
        Column("predictions", "int32", "samples of any class that are predicted as it", number_of("predictions")),
        Column("precision", "float64", "share of right ones among these; null where there are none", share("precision")),
        WRONG_IN_ALL,
        WRONG_IN_ANY,
    ),
    measure=measure,
    needs=("classes", "output"),
    scope="configuration",
    summaries=(
        Summary(
            Table(
                "class_accuracy_summary",
                "How well each network does on each split: balanced over classes, and beside training samples.",
                (
                    STATE,
                    SPLIT,
                    Column("samples", "int32", "samples of the split", number_of("samples")),
                    Column("wrong", "int32", "of these, those that are predicted as another class", number_of("errors")),
                    Column("accuracy", "float64", "share of right ones; null without samples", share("accuracy")),
                    Column(
                        "balanced_accuracy", "float64", "mean recall of the classes that have samples", share("balanced accuracy")
                    ),
                    Column(
                        "generalisation_gap",
                        "float64",
                        "accuracy on training samples less that on the split; null of training samples",
                        points("generalisation gap"),
                    ),
                    WRONG_IN_ALL,
                    WRONG_IN_ANY,
                ),
            ),
            of_networks,
        ),
    ),
)  # fmt: skip
