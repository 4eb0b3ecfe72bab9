"""The tables of networks that users bring, in the form in which training writes those of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import polars as pl

from nodescope.recording import LayerActivations, read
from nodescope.recording.outputs import performance_of, predictions_of
from nodescope.storage.tables import of_configuration, write_table
from nodescope.study.layout import activation_path
from nodescope.training.tables import ACCURACY, LEARNING_CURVES, REPLICAS


@dataclass(frozen=True)
class Performance:
    """How well a network does in one state on one split; what is not known is None.

    Attributes
    ----------
    epoch : int or None
        After which epoch of training the state is.
    loss, accuracy, mean_squared_error : float or None
        As in `nodescope.training.tables.LEARNING_CURVES`.
    """

    seed: int
    state: str
    epoch: int | None
    split: str
    loss: float | None = None
    accuracy: float | None = None
    mean_squared_error: float | None = None


def performances(
    folder: str | Path, seed: int, state: str, splits: Sequence[str], epoch: int | None
) -> list[Performance]:
    """Of one network in one state, from what was recorded of its output; parameters as of `Performance`."""
    found = []
    for split in splits:
        output = output_of(folder, seed, state, split)
        known = {} if output is None else performance_of(output)
        found.append(Performance(seed, state, epoch, split, **known))
    return found


def output_of(folder: str | Path, seed: int, state: str, split: str) -> LayerActivations | None:
    """The recorded output of a network; None where there is none."""
    path = Path(activation_path(str(folder), seed, state, split, "output"))
    return read(path) if path.is_file() else None


def test_predictions(folder: str | Path, seed: int, state: str) -> pl.DataFrame:
    """Columns sample, label and the seed: what a network predicts for each test sample; empty where it is not known."""
    output = output_of(folder, seed, state, "test")
    predicted = None if output is None else predictions_of(output)
    if output is None or not output.is_labelled:
        return pl.DataFrame(schema={"sample": pl.Int32, "label": pl.Int32})
    nothing = pl.Series([None] * output.n_samples, dtype=pl.Int32)
    return pl.DataFrame(
        {
            "sample": output.samples,
            "label": output.labels,
            str(seed): nothing if predicted is None else pl.Series(predicted, dtype=pl.Int32),
        }
    ).sort("sample")


def write_network_tables(
    outputs: Mapping[str, str | Path],
    configuration: str,
    found: Sequence[Performance],
    predictions: Sequence[pl.DataFrame],
) -> None:
    """Write the tables ``learning_curves``, ``accuracy`` and ``replicas`` of a configuration, and its predictions.

    Parameters
    ----------
    outputs
        Paths, by these names and ``predictions``.
    found
        Of all its networks, states and splits; the last state of a seed is the one that is kept.
    predictions
        From `test_predictions`, one of each seed. Seeds with other test samples than the first are left out.
    """
    rows = pl.DataFrame(
        [asdict(each) for each in found],
        {
            "seed": pl.Int64,
            "state": pl.String,
            "epoch": pl.Int32,
            "split": pl.String,
            "loss": pl.Float64,
            "accuracy": pl.Float64,
            "mean_squared_error": pl.Float64,
        },
    )
    kept = rows.filter(pl.col("state") == pl.col("state").last().over("seed"))
    unknown = {"learning_rate": pl.lit(None, pl.Float64)}
    tables = {
        "learning_curves": (rows.drop_nulls("epoch").with_columns(**unknown), LEARNING_CURVES),
        "accuracy": (kept.with_columns(best_epoch="epoch", **unknown), ACCURACY),
        "replicas": (
            kept.group_by("seed", maintain_order=True)
            .agg(
                best_epoch=pl.col("epoch").first(),
                validation_accuracy=pl.col("accuracy").filter(pl.col("split") == "validation").first(),
            )
            .with_columns(
                round=pl.lit(1),
                epochs=pl.lit(None, pl.Int32),
                chosen=pl.lit(True),
                diverged_epoch=pl.lit(None, pl.Int32),
                objective=pl.lit(None, pl.String),
                **unknown,
            ),
            REPLICAS,
        ),
    }
    for name, (frame, table) in tables.items():
        write_table(of_configuration(frame, configuration, table.schema()), outputs[name])
    write_table(_joined(predictions), outputs["predictions"])


def _joined(predictions: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """The predictions of all seeds beside each other."""
    first, *others = predictions
    for other in others:
        if other.select("sample", "label").equals(first.select("sample", "label")):
            first = first.hstack(other.drop("sample", "label"))
    return first
