"""What jobs took becomes a table with what to ask for next time."""

import polars as pl
import pytest

from nodescope.config.loading import parse_config
from nodescope.estimates.suggestions import COLUMNS, resource_table, suggested_settings
from nodescope.study.layout import StudyFiles

STUDY = parse_config(
    {
        "studies": [
            {
                "name": "flowers",
                "dataset": "iris",
                "grid": {"depth": [1], "width": [4, 8], "activation": ["relu", "tanh"]},
            }
        ]
    }
).studies[0]
HEAD = "s\th:m:s\tmax_rss\tmax_vms\tmax_uss\tmax_pss\tio_in\tio_out\tmean_load\tcpu_time\n"


def write_record(folder, stage, identifier, seconds, memory, cpu):
    path = folder / "benchmarks" / stage / f"{identifier}.tsv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{HEAD}{seconds}\t0:00:01\t{memory}\t1\t1\t1\t1\t1\t1\t{cpu}\n")


def test_records_become_a_row_per_stage_and_size(tmp_path):
    write_record(tmp_path, "train", "relu-1x4", 100, 1000, 50)
    write_record(tmp_path, "train", "tanh-1x4", 300, 2000, 250)
    write_record(tmp_path, "train", "relu-1x8", 10, "-", "NA")
    write_record(tmp_path, "nodes", "relu-1x4", 5, 100, 5)
    write_record(tmp_path, "train", "elu-1x4", 9999, 9999, 9999)  # of an earlier configuration
    table = resource_table(STUDY, StudyFiles(tmp_path))
    assert dict(table.schema) == COLUMNS
    assert table.select("stage", "width", "jobs").rows() == [("train", 4, 2), ("train", 8, 1), ("nodes", 4, 1)]
    row = table.row(0, named=True)
    assert (row["median_time_s"], row["longest_time_s"], row["peak_memory_mb"]) == (200, 300, 2000)
    assert row["cpu_share"] == pytest.approx(300 / 400)
    assert (row["suggested_mem_mb"], row["suggested_runtime_minutes"]) == (3000, 15)
    unknown = table.row(1, named=True)
    assert unknown["peak_memory_mb"] is None and unknown["cpu_share"] is None and unknown["suggested_mem_mb"] is None
    assert suggested_settings(table, STUDY).splitlines()[:4] == [
        "set-resources:", "  train_configuration:", '    mem_mb: "3000 * attempt"', '    runtime: "15 * attempt"',
    ]  # fmt: skip


def test_without_records_there_are_no_rows(tmp_path):
    table = resource_table(STUDY, StudyFiles(tmp_path))
    assert table.is_empty() and dict(table.schema) == COLUMNS
    assert isinstance(table, pl.DataFrame)
