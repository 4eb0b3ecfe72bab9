"""The layers of a study's networks for the page, and what layers and nodes are called in the network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from nodescope.storage.json_files import read_json
from nodescope.storage.tables import read_table
from nodescope.study.axes import CONFIGURATION
from nodescope.study.dimensions import LAYERS
from nodescope.study.layout import StudyFiles

#: Names of layers that may say no more than their numbers.
NUMBERED = re.compile(r"(?:(hidden|layer)[._-]?)?(\d+)")


@dataclass(frozen=True)
class LayerTable:
    """The layers of networks that have the same ones; ``networks`` are their names for readers."""

    networks: list[str]
    rows: list[dict[str, Any]]


def read_layers(files: StudyFiles) -> pl.DataFrame:
    """The table ``layers`` of a study; without rows where it was not collected."""
    return read_table(files.layers()) if files.layers().is_file() else pl.DataFrame(schema=LAYERS.schema())


def layer_tables(layers: pl.DataFrame, labels: Mapping[str, str]) -> list[LayerTable]:
    """A table for all networks that have the same layers.

    Parameters
    ----------
    layers
        From `read_layers`.
    labels
        The name of each configuration for readers, by identifier.
    """
    found: list[LayerTable] = []
    for (identifier,), part in layers.group_by(CONFIGURATION, maintain_order=True):
        rows = part.drop(CONFIGURATION).to_dicts()
        same = next((table for table in found if table.rows == rows), None)
        if same is None:
            same = LayerTable([], rows)
            found.append(same)
        same.networks.append(labels[str(identifier)])
    return found


def names_of(identifier: str, layers: pl.DataFrame, files: StudyFiles) -> dict[str, Any]:
    """What the layers and nodes of a configuration are called, as far as that says more than their numbers.

    Returns
    -------
    dict
        ``sizes``, the nodes of each layer; ``layers``, names in the order of computation, empty where they say nothing;
        ``nodes``, names by layer; ``functions``, the activation function of each layer, and ``positions``, those of a layer
        that has several.
    """
    own = layers.filter(pl.col(CONFIGURATION) == identifier).sort("layer")
    names = [name if _says_more(name, layer) else "" for layer, name in own["layer", "name"].iter_rows()]
    found: dict[str, Any] = {"sizes": own["nodes"].to_list()} | ({"layers": names} if any(names) else {})
    described = files.network(identifier)
    rows = read_json(described)["layers"] if described.is_file() else []
    nodes = {str(row["layer"]): row["node_names"] for row in rows if row.get("node_names")}
    ordered = layers.filter(pl.col(CONFIGURATION) == identifier).sort("layer")
    functions, positions = ordered["activation"].to_list(), ordered["positions"].fill_null(1).to_list()
    if any(functions):
        found["functions"] = functions
    if any(n > 1 for n in positions):
        found["positions"] = positions
    return found | ({"nodes": nodes} if nodes else {})


def _says_more(name: str | None, layer: int) -> bool:
    """Whether a name says more than the number of its layer: ``hidden.0`` of layer 1 does not, of layer 3 it does."""
    numbered = NUMBERED.fullmatch(name or "")
    if not name or numbered is None:
        return bool(name)
    return numbered[1] is not None and int(numbered[2]) not in (layer - 1, layer)
