"""Write ``docs/tables.md``: every table of a study, with its columns, types, units and meanings.

Run ``python -m nodescope.report.tables_page`` (or ``make config``) after a change of a table.
"""

from collections.abc import Iterator
from pathlib import Path

from nodescope.charts.tables import declared_tables
from nodescope.storage.columns import Column, Table
from nodescope.storage.files import atomic_path
from nodescope.study.dimensions import LAYERS, NETWORKS

TABLES_FILE = "docs/tables.md"

HEAD = """# Tables

<!-- Written by `python -m nodescope.report.tables_page` from the declarations of the tables; do not edit. -->

Every collected table lies in `results/STUDY/tables/` as `NAME.parquet` and `NAME.csv`. Tables are tidy: one value per row and
column. Missing values are null, never NaN. Shares and accuracies are fractions; the column *unit* is the one in which figures
and page show a value. [`methods.md`](methods.md) defines what is measured.

Rows begin with key columns:

- of a *network*: `configuration`, the id by which tables are joined; its axes, to filter by (`dataset`, `model`, `depth`, `width`,
  `activation`, `batch_norm` and those that the grid of the study adds); `seed`;
- of a *configuration*: the same without `seed`.
"""

KEYS = {"network": "those of a network", "configuration": "those of a configuration", "none": "none"}


def tables_page() -> str:
    """The page."""
    return "\n".join(
        [HEAD, *(line for table in (NETWORKS, LAYERS, *declared_tables().values()) for line in _lines(table))]
    )


def _lines(table: Table) -> Iterator[str]:
    yield f"## {table.name}"
    yield ""
    yield table.meaning
    yield ""
    yield f"Key columns: {KEYS[table.keys]}."
    yield ""
    yield "| column | type | unit | range | meaning |"
    yield "|---|---|---|---|---|"
    yield from (_row(column) for column in table.columns)
    yield ""


def _row(column: Column) -> str:
    unit, bounds = "", ""
    if column.quantity is not None:
        unit = column.quantity.unit
        low, high = ("" if end is None else f"{end:g}" for end in column.quantity.range)
        bounds = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}" if high else ""
    return f"| `{column.name}` | {column.type} | {unit} | {bounds} | {column.meaning} |"


def main() -> None:
    """Write the page."""
    with atomic_path(Path(TABLES_FILE)) as temporary:
        Path(temporary).write_text(tables_page(), encoding="utf-8")


if __name__ == "__main__":
    main()
