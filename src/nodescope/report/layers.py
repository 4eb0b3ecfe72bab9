"""The layers of a study's networks for the page, and what layers and nodes are called in the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from nodescope.storage.json_files import read_json
from nodescope.study.axes import CONFIGURATION
from nodescope.study.layer_names import layer_names
from nodescope.study.layout import StudyFiles


@dataclass(frozen=True)
class LayerTable:
    """The layers of networks that have the same ones; ``networks`` are their names for readers."""

    networks: list[str]
    rows: list[dict[str, Any]]


def layer_tables(layers: pl.DataFrame, labels: Mapping[str, str]) -> list[LayerTable]:
    """A table for all networks that have the same layers.

    Parameters
    ----------
    layers
        From `nodescope.study.layer_names.read_layers`.
    labels
        The name of each configuration for readers, by identifier.
    """
    found: list[LayerTable] = []
    for (identifier,), part in layers.group_by(CONFIGURATION, maintain_order=True):
        has_positions = part["positions"].fill_null(1).max() != 1
        rows = part.drop(CONFIGURATION, *([] if has_positions else ["positions"])).to_dicts()
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
        ``nodes``, names by layer; ``functions``, the activation function of each layer; ``positions``, those of each layer
        where any has several.
    """
    own = layers.filter(pl.col(CONFIGURATION) == identifier).sort("layer")
    names = layer_names(layers, identifier)
    found: dict[str, Any] = {"sizes": own["nodes"].to_list()} | ({"layers": names} if any(names) else {})
    described = files.network(identifier)
    rows = read_json(described)["layers"] if described.is_file() else []
    nodes = {str(row["layer"]): row["node_names"] for row in rows if row.get("node_names")}
    functions, positions = own["activation"].to_list(), own["positions"].fill_null(1).to_list()
    if any(functions):
        found["functions"] = functions
    if any(n > 1 for n in positions):
        found["positions"] = positions
    return found | ({"nodes": nodes} if nodes else {})
