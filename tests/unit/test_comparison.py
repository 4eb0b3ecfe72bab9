"""Comparing two results folders: what differs is found and named, and nothing else."""

import polars as pl
import pytest

from nodescope.__main__ import main
from nodescope.storage.tables import write_table
from nodescope.study.comparison import compare_results, compare_tables

ROWS = {
    "model": ["mlp", "mlp", "mlp", "mlp"],
    "seed": [0, 0, 1, 1],
    "layer": [1, 2, 1, 2],
    "share": [0.25, None, 0.5, 0.75],
    "dead": [1, 2, None, 4],
}


def differences(before, after):
    return list(compare_tables("study", "table", pl.DataFrame(before), pl.DataFrame(after)))


def test_equal_tables_differ_in_nothing_nulls_included():
    assert differences(ROWS, ROWS) == []


def test_rows_in_another_order_are_matched():
    shuffled = pl.DataFrame(ROWS)[[2, 0, 3, 1]].to_dict(as_series=False)
    assert differences(ROWS, shuffled) == []


def test_the_largest_difference_is_named_with_its_row():
    (found,) = differences(ROWS, ROWS | {"share": [0.25, None, 0.75, 0.875]})
    assert (found.column, found.rows, found.largest) == ("share", 2, 0.25)
    assert found.where == "model mlp, seed 1, layer 1" and "0.5 before, 0.75 after" in str(found)


def test_a_value_that_became_null_is_a_difference():
    (found,) = differences(ROWS, ROWS | {"share": [None, None, 0.5, 0.75]})
    assert (found.rows, found.largest) == (1, None)
    assert "1 of 4 values differ: 0.25 before, None after" in str(found)


def test_whole_numbers_behind_the_first_measured_value_are_values():
    (found,) = differences(ROWS, ROWS | {"dead": [1, 2, None, 7]})
    assert (found.column, found.largest) == ("dead", 3.0)


def test_long_lists_are_named_in_a_line():
    counts = [list(range(100)), list(range(1, 101))]
    (found,) = differences({"seed": [0], "counts": [counts[0]]}, {"seed": [0], "counts": [counts[1]]})
    assert "[0, 1, 2" in str(found) and "\n" not in str(found) and len(str(found)) < 200


def test_rows_that_only_one_has_are_counted_and_the_others_still_compared():
    shorter = pl.DataFrame(ROWS | {"share": [0.25, None, 0.5, 0.5]})[1:].to_dict(as_series=False)
    missing, changed = differences(ROWS, shorter)
    assert (missing.rows, missing.where) == (1, "model mlp, seed 0, layer 1")
    assert (changed.column, changed.largest) == ("share", 0.25)


def test_new_columns_are_said_and_are_no_change_but_lost_ones_are():
    (new,) = differences(ROWS, ROWS | {"interval": [0.1] * 4})
    (lost,) = differences(ROWS | {"interval": [0.1] * 4}, ROWS)
    assert new.is_new and not lost.is_new


@pytest.mark.parametrize(("share", "status"), [(0.5, 0), (0.25, 1)])
def test_the_tool_says_what_differs_and_its_status_whether_anything_does(tmp_path, capsys, share, status):
    for folder, value in (("before", 0.5), ("after", share)):
        write_table(pl.DataFrame({"seed": [0], "share": [value]}), _made(tmp_path / folder) / "t.parquet")
    write_table(pl.DataFrame({"seed": [0]}), tmp_path / "after" / "study" / "tables" / "new.parquet")
    assert main(["compare", str(tmp_path / "before"), str(tmp_path / "after")]) == status
    said = capsys.readouterr().out
    assert "study/new: only after" in said and ("all are equal" in said) == (status == 0)
    assert main(["compare", "--exact", str(tmp_path / "before"), str(tmp_path / "after")]) == 1  # there is a new table
    assert compare_results(tmp_path / "before", tmp_path / "before") == (1, [])


def test_a_new_first_column_leaves_the_others_equal_whatever_the_order_of_rows():
    named = pl.DataFrame({"configuration": ["b", "b", "a", "a"], **{k: v[2:] + v[:2] for k, v in ROWS.items()}})
    (new,) = differences(ROWS, named.to_dict(as_series=False))
    assert new.is_new and new.column == "configuration"


def test_a_folder_without_tables_is_named(tmp_path, capsys):
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 2
    assert str(tmp_path) in capsys.readouterr().err


def _made(results):
    folder = results / "study" / "tables"
    folder.mkdir(parents=True)
    return folder
