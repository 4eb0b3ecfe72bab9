"""What the layers of networks are called, as far as that says more than their numbers."""

import re

import polars as pl

from nodescope.storage.tables import read_table
from nodescope.study.axes import CONFIGURATION
from nodescope.study.dimensions import LAYERS
from nodescope.study.layout import StudyFiles

#: Names of layers that may say no more than their numbers.
NUMBERED = re.compile(r"(?:(hidden|layer)[._-]?)?(\d+)")


def read_layers(files: StudyFiles) -> pl.DataFrame:
    """The table ``layers`` of a study; without rows where it was not collected."""
    return read_table(files.layers()) if files.layers().is_file() else pl.DataFrame(schema=LAYERS.schema())


def layer_names(layers: pl.DataFrame, identifier: str) -> list[str]:
    """The names of the layers of a configuration in the order of computation; empty where they say nothing.

    Parameters
    ----------
    layers
        From `read_layers`.
    identifier
        Of the configuration.
    """
    own = layers.filter(pl.col(CONFIGURATION) == identifier).sort("layer")
    return [name if _says_more(name, layer) else "" for layer, name in own["layer", "name"].iter_rows()]


def _says_more(name: str | None, layer: int) -> bool:
    """Whether a name says more than the number of its layer: ``hidden.0`` of layer 1 does not, of layer 3 it does."""
    numbered = NUMBERED.fullmatch(name or "")
    if not name or numbered is None:
        return bool(name)
    return numbered[1] is not None and int(numbered[2]) not in (layer - 1, layer)
