"""What a figure shows at first of the states, splits and seeds that it holds."""

from collections.abc import Iterator, Mapping
from typing import Any

import polars as pl

from nodescope.study.axes import CONFIGURATION


def first_view(frame: pl.DataFrame | pl.LazyFrame) -> dict[str, str]:
    """What a figure shows at first of a table of single nets: the last state of the first seed, training samples."""
    first = frame.lazy().select("seed").first().collect().item()
    states = frame.lazy().select(pl.col("state").unique(maintain_order=True)).collect()["state"]
    splits = frame.lazy().select(pl.col("split").unique(maintain_order=True)).collect()
    return {"state": str(states[-1]), "split": preferred_split(splits), "seed": str(first)}


def preferred_split(frame: pl.DataFrame) -> str:
    """The training split where the frame has it, as the published figures; otherwise its first."""
    splits = frame["split"].unique(maintain_order=True).to_list()
    return "train" if "train" in splits else str(splits[0])


def in_view(frame: pl.DataFrame, view: Mapping[str, str]) -> pl.DataFrame:
    """The rows whose columns have the view's values."""
    return frame.filter(
        *(pl.col(name).cast(pl.String) == value for name, value in view.items() if name in frame.columns)
    )


def first_pinned(configurations: list[str]) -> list[str]:
    """Which configurations the page shows side by side at first: the first two."""
    return configurations[:2]


def groups(frame: pl.DataFrame, *columns: str) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """The parts of a frame with equal values in the columns, in order of first appearance."""
    if not columns:
        yield {}, frame
        return
    for key, part in frame.group_by(list(columns), maintain_order=True):
        yield dict(zip(columns, key, strict=True)), part


def in_last_layers(frame: pl.LazyFrame) -> pl.LazyFrame:
    """The rows of the last hidden layer of each network."""
    last = frame.group_by(CONFIGURATION).agg(pl.col("layer").max())
    return frame.join(last, on=[CONFIGURATION, "layer"], how="semi")
