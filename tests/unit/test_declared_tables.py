"""Tables hold what is declared of them, and the documentation says the same."""

import re
import subprocess
import sys

import polars as pl
import pytest
from conftest import REPOSITORY

from nodescope.charts.tables import declared_tables, quantity_of
from nodescope.report.tables_page import TABLES_FILE, tables_page
from nodescope.storage.columns import Quantity, points, share
from nodescope.study.contents import table_names


def test_every_table_of_a_study_is_declared(small_study):
    assert set(table_names(small_study)) <= set(declared_tables())


@pytest.mark.parametrize("name", [name for name in declared_tables() if name != "classes"])
def test_a_table_has_the_declared_types_and_keeps_to_the_declared_ranges(small_tables, name):
    table, frame = declared_tables()[name], small_tables[name]
    declared = table.schema()
    if table.keys == "none":
        found = dict(frame.schema)
    else:
        last = "seed" if table.keys == "network" else "batch_norm"
        found = dict(list(frame.schema.items())[frame.columns.index(last) + 1 :])
    assert found == {column: declared[column] for column in found}
    for column, quantity in table.quantities.items():
        if column not in found:
            continue
        values = frame[column].explode() if isinstance(frame.schema[column], pl.List) else frame[column]
        low, high = quantity.range
        assert low is None or (values.drop_nulls() >= low - 1e-9).all(), column
        assert high is None or (values.drop_nulls() <= high + 1e-9).all(), column


def test_the_page_on_tables_is_up_to_date():
    hint = "run `make config` and commit the result"
    assert (REPOSITORY / TABLES_FILE).read_text(encoding="utf-8") == tables_page(), hint


def test_what_tables_hold_is_known_without_pytorch():
    code = "import sys, nodescope.charts.tables as t; t.declared_tables(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("quantity", "value", "text"),
    [
        (share("accuracy"), 0.98765, "98.8 %"),
        (points("difference"), -0.0123, "-1.23 points"),
        (Quantity("entropy", "bits"), 3.14159, "3.142 bits"),
        (Quantity("rank", "dimensions", format="d"), 12, "12 dimensions"),
        (Quantity("mean"), None, "missing"),
    ],
)
def test_a_quantity_says_how_its_values_are_shown(quantity, value, text):
    assert quantity.text(value) == text


def test_an_axis_names_the_unit_unless_every_number_does():
    assert share("accuracy").axis_title == "accuracy"
    assert points("difference").axis_title == "difference (points)"
    assert quantity_of("patterns", "entropy_bits").axis_title == "entropy (bits)"


REFERENCE = re.compile(r"methods, sections? ((?:\d+)(?:(?:, | and | to )\d+)*)")


def test_references_to_the_methods_name_sections_that_exist():
    sections = set(
        re.findall(r"^## (\d+)\. ", (REPOSITORY / "docs/methods.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    named = {}
    for path in (REPOSITORY / "src").rglob("*.py"):
        text = " ".join(path.read_text(encoding="utf-8").split())
        for found in REFERENCE.findall(text):
            named.setdefault(path.name, set()).update(re.findall(r"\d+", found))
    assert len(named) > 8, "the references have another form"
    assert {file: numbers - sections for file, numbers in named.items() if numbers - sections} == {}
