"""Put together what was found of the networks of a configuration while they were recorded."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from nodescope.stages.network_tables import Performance, write_network_tables
from nodescope.storage.json_files import read_json, write_json
from nodescope.study.descriptions import NetworkDescription


def write_found(
    path: str | Path, description: NetworkDescription, performances: Sequence[Performance], predictions: pl.DataFrame
) -> None:
    """Write what was found of one network in one state; `describe` reads it.

    Parameters
    ----------
    predictions
        From `nodescope.stages.network_tables.test_predictions`.
    """
    write_json(
        path,
        {
            "description": vars(description),
            "performances": [vars(each) for each in performances],
            "predictions": predictions.to_dict(as_series=False),
        },
    )


def describe(found: Sequence[str | Path], outputs: Mapping[str, str | Path], *, configuration: str) -> None:
    """Write the description of a configuration's networks, and their tables.

    Parameters
    ----------
    found
        What `write_found` wrote, of each network and state, state by state for each seed.
    outputs
        Paths: ``description``, and those of `nodescope.stages.network_tables.write_network_tables`.
    configuration
        Its identifier.
    """
    read = [read_json(path) for path in found]
    performances = [Performance(**each) for one in read for each in one["performances"]]
    last = {one["performances"][0]["seed"]: one for one in read}
    predictions = [_predictions(one["predictions"]) for one in last.values()]
    _together([one["description"] for one in read]).write(outputs["description"])
    write_network_tables(outputs, configuration, performances, predictions)


def _together(descriptions: Sequence[dict[str, Any]]) -> NetworkDescription:
    """One description of networks that differ in their weights alone."""
    first = descriptions[0]
    return NetworkDescription(
        source=first["source"],
        states=tuple(dict.fromkeys(state for one in descriptions for state in one["states"])),
        parameters=first["parameters"],
        layers=tuple(first["layers"]),
        decisions=tuple(dict.fromkeys(sentence for one in descriptions for sentence in one["decisions"])),
        files={path: digest for one in descriptions for path, digest in (one["files"] or {}).items()},
        trusted=any(one["trusted"] for one in descriptions),
    )


def _predictions(columns: dict[str, list[int | None]]) -> pl.DataFrame:
    return pl.DataFrame(columns, {name: pl.Int32 for name in columns})
