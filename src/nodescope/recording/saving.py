"""Save layers of networks of any framework, for a study's section ``recordings``."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from nodescope.messages.errors import RecordingError
from nodescope.messages.words import nearest
from nodescope.numerics.activation_functions import ACTIVATION_FUNCTIONS
from nodescope.recording.foreign import METADATA_KEY, RESERVED
from nodescope.recording.importing import OUTPUT
from nodescope.storage.files import atomic_path


def save_layer(
    folder: str | Path,
    layer: int | str,
    z: Any,
    labels: Any = None,
    *,
    name: str | None = None,
    activation: str | None = None,
    parameters: Mapping[str, float | Sequence[float]] | None = None,
    samples: Any = None,
    nodes: Sequence[str] | None = None,
    last: bool = False,
) -> Path:
    """Save one layer of a network as ``layer-1.parquet`` ... or, the last, as ``output.parquet``.

    Parameters
    ----------
    folder
        Of one network, state and split, say ``out/relu/seed-0/test``.
    layer
        Its number, from 1, or a name for its file.
    z : array-like
        A row per sample, a column per node. With further axes between them, such as the rows and columns of images or the
        tokens of texts, each node has a value at every position. The values are pre-activations if ``activation`` is given;
        otherwise they are what the study says, by default outputs.
    labels : array-like or None
        The class of each sample, numbers or texts.
    name
        Of the layer in the network.
    activation
        The activation function that pre-activations enter, such as ``relu``.
    parameters
        Of the activation function, such as ``{"slope": 0.2}``; numbers, or one per node.
    samples : array-like or None
        What each sample is called, a number or a text; left out, samples are numbered.
    nodes
        What each node is called.
    last
        Whether the layer is the network's output.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    RecordingError
        If lengths do not fit, or there is no such activation function.

    Examples
    --------
    >>> save_layer("out/relu/seed-0/test", 1, z, labels=y, activation="relu")  # doctest: +SKIP
    """
    values = np.asarray(z)
    if values.ndim < 2 or values.dtype.kind not in "fiub":
        raise RecordingError(
            f"save_layer: z has the shape {values.shape} and type {values.dtype}; it has a row per sample and a column per "
            "node, which hold real numbers."
        )
    if activation is not None and activation not in ACTIVATION_FUNCTIONS:
        raise RecordingError(
            f"save_layer: there is no activation function '{activation}'{nearest(activation, ACTIVATION_FUNCTIONS)} There "
            f"are: {', '.join(ACTIVATION_FUNCTIONS)}."
        )
    n_samples, n_nodes = len(values), values.shape[-1]
    values = values.reshape(n_samples, -1, n_nodes)
    columns = {
        "sample": _rows("samples", np.arange(n_samples) if samples is None else samples, n_samples),
        **({} if labels is None else {"label": _rows("labels", labels, n_samples)}),
    }
    n_positions = values.shape[1]
    frame = {name: np.repeat(column, n_positions) for name, column in columns.items()}
    if n_positions > 1:
        frame["position"] = np.tile(np.arange(n_positions), n_samples)
    rows = values.reshape(-1, n_nodes)
    named = list(map(str, nodes)) if nodes is not None else [f"n{node}" for node in range(n_nodes)]
    if len(named) != n_nodes or len({*named, *RESERVED}) < n_nodes + len(RESERVED):
        raise RecordingError(
            f"save_layer: nodes holds {len(named)} names for {n_nodes} nodes; they must differ, also from "
            f"{', '.join(RESERVED)}."
        )
    frame |= {node: np.ascontiguousarray(column) for node, column in zip(named, rows.T, strict=True)}
    says = {"name": name, "activation": activation, "parameters": parameters and dict(parameters)}
    says |= {"values": "pre_activation" if activation else None}
    path = Path(folder) / f"{OUTPUT if last else f'layer-{layer}' if isinstance(layer, int) else layer}.parquet"
    with atomic_path(path) as temporary:
        known = json.dumps({key: value for key, value in says.items() if value is not None})
        pl.DataFrame(frame).write_parquet(
            temporary, compression="lz4", statistics=False, metadata={METADATA_KEY: known}
        )
    return path


def _rows(what: str, given: Any, n_samples: int) -> np.ndarray[Any, Any]:
    values = np.asarray(given)
    if values.shape != (n_samples,):
        raise RecordingError(f"save_layer: {what} has the shape {values.shape}; z has {n_samples} samples.")
    return values
