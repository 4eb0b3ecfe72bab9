"""Take a configuration of another study into a study that looks at several together."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from nodescope.messages.errors import ConfigError
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import read_table, write_table
from nodescope.study.axes import CONFIGURATION


def join(
    descriptions: Mapping[str, str | Path], tables: Mapping[str | Path, str | Path], *, study: str, configuration: str
) -> None:
    """Write the tables of a configuration anew, under the identifier that it has here.

    Parameters
    ----------
    descriptions
        Of the prepared data sets of the joined studies, by their names.
    tables
        The tables of the configuration in its own study, and where they go; predictions among them.
    study, configuration
        The study that joins, and the identifier.

    Raises
    ------
    ConfigError
        If the studies have different classes.
    """
    classes = {name: list(map(str, read_json(path)["classes"])) for name, path in descriptions.items()}
    if len({tuple(of_one) for of_one in classes.values()}) > 1:
        found = "; ".join(f"{name} has {', '.join(of_one) or 'none'}" for name, of_one in classes.items())
        raise ConfigError(
            f"Study '{study}' joins studies with different classes: {found}. Hint: the classes must have the same names "
            "in the same order (recordings: classes: [...] names them), or leave one of the studies out of join."
        )
    for source, target in tables.items():
        table = read_table(source)
        if CONFIGURATION in table.columns:
            table = table.with_columns(pl.lit(configuration).alias(CONFIGURATION))
        write_table(table, target)
