"""Recorded positions that have labels of their own, such as a tag for each token: each becomes a sample of its class."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope.recording.parquet import LayerActivations, write


def label_positions(path: str | Path, labels_NT: NDArray[np.int64], class_names: Sequence[str]) -> bool:
    """Write a layer that was recorded with ``positions: rows`` anew, with a label for each row; rows without one go.

    Parameters
    ----------
    path
        Of the file, whose samples have no classes so far.
    labels_NT
        Class index of each position that counts of each sample of the data set, -1 where it has none.
    class_names
        All classes.

    Returns
    -------
    bool
        False of a layer without positions, which stays as it is.
    """
    layer = LayerActivations(path)
    if layer.metadata.holds != "each" or layer.positions == 1:
        return False
    rows = pl.read_parquet(path, columns=["sample", "position"])
    samples, positions = rows["sample"].to_numpy(), rows["position"].to_numpy()
    labels = labels_NT[samples, positions]
    order = np.lexsort((positions, samples, labels))
    order = order[labels[order] >= 0]
    values = layer.each()
    assert values is not None
    metadata = replace(
        layer.metadata, node_shape=(layer.n_nodes,), class_names=tuple(class_names), varying_positions=False
    )
    own = labels[order].astype(np.int32), samples[order], metadata
    write(path, np.ascontiguousarray(values[:, order]), *own, positions=positions[order])
    return True


def of_valid_positions(labels_BT: NDArray[np.int64], mask_BT: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """The labels of the positions that count, in their order, and -1 behind them."""
    if mask_BT is None:
        return labels_BT
    order = np.argsort(~mask_BT, axis=1, kind="stable")
    moved: NDArray[np.int64] = np.take_along_axis(np.where(mask_BT, labels_BT, -1), order, axis=1)
    return moved
