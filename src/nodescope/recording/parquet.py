"""The activation file: write and read."""

import dataclasses
import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from nodescope import checksums
from nodescope.activation_functions import ACTIVATION_FUNCTIONS, prelu
from nodescope.errors import DamagedFileError
from nodescope.files import atomic_path

FORMAT_VERSION = 2


@dataclass(frozen=True)
class LayerMetadata:
    """What a file says of itself.

    Attributes
    ----------
    dataset : str
        Name of the prepared data set.
    layer : str
        ``layer-1`` ... or ``output``.
    activation : str
        Name of the activation function; ``identity`` for the output layer.
    node_shape : tuple of int
        What is recorded of one sample: (J,), or (J, positions) where each position of a convolution is a row.
    class_names : tuple of str
        All classes of the data set, also those without a row in the file.
    slope : float or None
        The learned slope of ``prelu`` in this layer; None for other functions.
    """

    dataset: str
    layer: str
    activation: str
    node_shape: tuple[int, ...]
    class_names: tuple[str, ...]
    slope: float | None = None
    format_version: int = FORMAT_VERSION

    @classmethod
    def from_json(cls, text: str | bytes) -> "LayerMetadata":
        """Read back what `write` stored."""
        fields: dict[str, Any] = json.loads(text)
        fields["node_shape"] = tuple(fields["node_shape"])
        fields["class_names"] = tuple(fields["class_names"])
        metadata = cls(**fields)
        if metadata.format_version != FORMAT_VERSION:
            raise ValueError(f"its format is version {metadata.format_version}, this nodescope reads {FORMAT_VERSION}")
        return metadata


@dataclass(frozen=True)
class LayerActivations:
    """One layer of one net in memory: J nodes, N samples.

    Attributes
    ----------
    z : float32 array [J, N]
        Pre-activations; one node's values are contiguous, and so are one class's samples.
    labels, samples : int32 array [N]
        Class index (ascending) and index in the prepared data set; repeated where each position is a row.
    metadata : LayerMetadata
    """

    z: NDArray[np.float32]
    labels: NDArray[np.int32]
    samples: NDArray[np.int32]
    metadata: LayerMetadata

    def a(self) -> NDArray[np.float32]:
        """Activations ``a = T(z)`` [J, N]; a new array."""
        if self.metadata.slope is not None:
            return prelu(self.z, self.metadata.slope)
        return ACTIVATION_FUNCTIONS[self.metadata.activation].apply(self.z)

    @property
    def n_classes(self) -> int:
        return len(self.metadata.class_names)

    def class_slices(self) -> list[slice]:
        """For each class the range of its samples; empty where the class is absent."""
        bounds = np.searchsorted(self.labels, np.arange(self.n_classes + 1))
        return [slice(int(a), int(b)) for a, b in pairwise(bounds)]


def write(
    path: str | Path,
    z: NDArray[np.float32],
    labels: NDArray[np.int32],
    samples: NDArray[np.int32],
    metadata: LayerMetadata,
) -> None:
    """Write one layer; ``z`` is [J, N] with contiguous rows, the samples are sorted by label.

    Where each position is a row, ``z`` is [J, N * positions], a sample's positions together, and a column ``position``
    follows the label.

    Dictionary and statistics are off (they enlarge float columns), and there is one row group. Pre-activations
    hardly compress: zstd would save a tenth of the disk and take two to four times as long to write and to read.
    """
    import pyarrow as pa  # late: what reads needs it not
    import pyarrow.parquet as pq

    heads = {"sample": samples, "label": labels}
    if len(metadata.node_shape) > 1:
        n_positions = metadata.node_shape[1]
        heads = {name: np.repeat(values, n_positions) for name, values in heads.items()}
        heads["position"] = np.tile(np.arange(n_positions, dtype=np.int32), len(samples))
    columns = [pa.array(values) for values in (*heads.values(), *z)]
    names = [*heads, *(f"n{j}" for j in range(len(z)))]
    table = pa.Table.from_arrays(columns, names=names).replace_schema_metadata(
        {"nodescope": json.dumps(dataclasses.asdict(metadata)), **checksums.PLACEHOLDER}
    )
    with atomic_path(path) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=max(1, z.shape[1]),
            compression="lz4",
            use_dictionary=False,
            write_statistics=False,
        )
        checksums.seal(temporary)


def read(path: str | Path) -> LayerActivations:
    """Read one layer back.

    Raises
    ------
    DamagedFileError
        If the file is missing, truncated or not an activation file.
    """
    try:
        checksums.check(path)
        metadata = LayerMetadata.from_json(pl.read_parquet_metadata(path)["nodescope"])
        table = pl.read_parquet(path)  # twice as fast as pyarrow on one thread
        nodes = table.get_columns()[1 + len(metadata.node_shape) :]
        z = np.empty((len(nodes), table.height), np.float32)
        for node, column in enumerate(nodes):
            z[node] = column.to_numpy()
        return LayerActivations(z, table["label"].to_numpy(), table["sample"].to_numpy(), metadata)
    except (OSError, pl.exceptions.PolarsError, KeyError, TypeError, ValueError) as error:
        raise DamagedFileError(
            f"The activation file {path} cannot be read ({error}). "
            "Hint: delete the activations folder of its configuration; the next run records it again."
        ) from error
