"""The data of atlas and node card: a file per table and configuration, or per net."""

import polars as pl
import pytest

from nodescope.charts.node_data import OF_CONFIGURATIONS, OF_NETS, SAMPLES_OF_A_FILE, TABLES, write_nodes
from nodescope.charts.packing import SMALL, pack
from nodescope.charts.registry import CHARTS

KEYS = {"seed": 0, "state": "trained", "split": "train", "layer": 1}


def written(tables):
    files, rounded = {}, {}

    def keep(name, frame, exact):
        assert name not in files
        files[name], rounded[name] = frame, exact

    found = write_nodes({name: frame.lazy() for name, frame in tables.items()}, keep)
    return found, files, rounded


def of_configurations(frame):
    """The rows once for each of two configurations."""
    return pl.concat(frame.with_columns(configuration=pl.lit(name)) for name in ("one", "two"))


def test_the_atlas_reads_the_tables_that_its_data_are_made_from():
    assert {*CHARTS["atlas"].tables, *CHARTS["atlas"].optional} == set(TABLES)
    assert not set(OF_CONFIGURATIONS) & set(OF_NETS)


def test_a_table_lies_in_a_file_for_each_configuration_with_the_columns_that_are_shown():
    activity = pl.DataFrame({**KEYS, "node": [0, 1], "class": [0, 0], "active_share": [0.1, 0.2], "depth": [2, 2]})
    found, files, exact = written({"activity": of_configurations(activity)})
    assert found == {"activity": ["one", "two"]}
    assert list(files) == ["activity.one", "activity.two"]
    assert files["activity.two"].columns == [*KEYS, "node", "class", "active_share"]
    assert exact["activity.one"] == ("active_share",)


def test_what_is_shown_of_one_node_lies_in_a_file_for_each_net_and_constant_nodes_have_no_samples():
    tops = pl.DataFrame({
        "seed": [0, 0, 1], "state": "trained", "split": "test", "layer": 1, "node": [0, 1, 0], "end": "most", "rank": 0,
        "sample": [7, None, 8], "label": [1, None, 1], "position": None, "z": [0.5, None, 0.25],
    })  # fmt: skip
    found, files, _ = written({"top_samples": of_configurations(tops)})
    assert found == {"top_samples": ["one", "two"]}
    assert set(files) == {f"top_samples.{name}.{seed}" for name in ("one", "two") for seed in (0, 1)}
    assert files["top_samples.one.0"]["sample"].to_list() == [7]
    assert "seed" not in files["top_samples.one.0"].columns


@pytest.mark.parametrize(("minimum", "shown"), [(-1.0, None), (-9.0, -9.0)])
def test_histograms_have_the_width_of_their_bars_and_what_lies_beyond_them(minimum, shown):
    histograms = pl.DataFrame({
        **KEYS, "node": [0], "class": [0], "kind": ["pre"], "low": [-1.0], "high": [1.0], "minimum": [minimum],
        "maximum": [1.0], "bandwidth": [0.2], "counts": [[1, 2, 3, 4]],
    })  # fmt: skip
    _, files, _ = written({"node_histograms": of_configurations(histograms)})
    row = files["node_histograms.one.0"].row(0, named=True)
    assert row["width"] == 0.5 and row["minimum"] == shown and row["maximum"] is None


def test_samples_lie_in_files_by_their_numbers_and_features_keep_four_digits():
    many = SAMPLES_OF_A_FILE + 1
    samples = pl.DataFrame({
        "split": "test", "sample": range(many), "label": 0, "thumbnail": None, "text": None,
        "features": [[1.23456, 7.0]] * many,
    })  # fmt: skip
    found, files, _ = written({"samples": samples})
    assert found == {"samples": ["0", "1"]}
    assert [len(files[f"samples.{n}"]) for n in (0, 1)] == [SAMPLES_OF_A_FILE, 1]
    assert files["samples.1"]["features"].to_list() == ["1.235 7.0"]


def test_a_table_without_rows_is_not_named():
    empty = pl.DataFrame(
        schema={"configuration": pl.String, **dict.fromkeys(KEYS, pl.Int64), "node": pl.Int64, "fate": pl.String}
    )
    assert written({"node_fates": empty})[0] == {}


def test_numbers_that_are_compared_with_thresholds_are_not_rounded():
    shares = pl.DataFrame({"share": [n / 7000 for n in range(7 * SMALL)]})
    rounded, exact = pack(shares), pack(shares, exact=("share",))
    assert rounded["data"] != exact["data"]
    assert rounded["rows"] == exact["rows"]
