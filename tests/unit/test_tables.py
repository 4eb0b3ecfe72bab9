"""What tables hold comes back as it was, from Parquet and from CSV."""

import csv

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from nodescope.storage.tables import classes_table, read_table, write_table


@given(st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=12), min_size=1, max_size=8))
@example(["", "a,b", 'say "no"', "two\nlines", "e\u0301", "\u00e9", "\u202eevil", "\U0001f4a5", "NULL", "1", " x "])
def test_names_of_classes_come_back_as_they_are_from_both_files(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("classes")
    table = classes_table("own", names)
    write_table(table, folder / "classes.parquet", folder / "classes.csv")
    assert read_table(folder / "classes.parquet")["class_name"].to_list() == names
    with (folder / "classes.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["class"], row["class_name"]) for row in rows] == [(str(i), name) for i, name in enumerate(names)]
    assert pl.read_csv(folder / "classes.csv", schema=table.schema).equals(table)


def test_a_class_folder_whose_name_is_no_text_still_has_a_name(tmp_path):
    table = classes_table("own", ["caf\udce9", "tea"])
    write_table(table, tmp_path / "classes.parquet", tmp_path / "classes.csv")
    assert read_table(tmp_path / "classes.parquet")["class_name"].to_list() == ["caf\ufffd", "tea"]
