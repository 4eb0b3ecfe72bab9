"""What jobs really took, by stage and size of the networks, and what to ask of a cluster for the next such study.

From the records of jobs, ``benchmarks/{stage}/{configuration}.tsv`` (`nodescope.jobs.records`). The memory of a job on a
cluster holds two Snakemakes beside the job itself, which the records do not count.
"""

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from nodescope.analyses import JOBS
from nodescope.config.study import FamilyStudy, JoinedStudy, ModuleStudy, RecordingsStudy, Study
from nodescope.study.configurations import configurations_of
from nodescope.study.layout import StudyFiles

#: Stages of a configuration and the rules that a profile's ``set-resources`` names, by where the networks come from.
MEASURING: dict[str, tuple[str, ...]] = {job: (f"measure_{job}",) for job in JOBS}
RULES: dict[type[Study], dict[str, tuple[str, ...]]] = {
    FamilyStudy: {
        "train": ("train_configuration", "train_and_follow_patterns"),
        "record": ("record_activations", "record_temporary_activations"),
    }
    | MEASURING,
    ModuleStudy: {"record": ("record_module", "record_temporary_module")}
    | MEASURING
    | {"networks": ("measure_networks_of_modules",)},
    RecordingsStudy: {"record": ("import_recordings", "import_temporary_recordings")} | MEASURING,
    JoinedStudy: {},
}
STAGES = ("train", "record", *JOBS)
SNAKEMAKE_MEMORY_MB = 400
MARGIN_ON_MEASURED_MEMORY = 1.3
TIME_MARGIN = 2.0
START_MINUTES = 5

COLUMNS = {
    "stage": pl.String,
    "model": pl.String,
    "depth": pl.Int32,
    "width": pl.Int32,
    "jobs": pl.Int32,
    "median_time_s": pl.Float64,
    "longest_time_s": pl.Float64,
    "peak_memory_mb": pl.Float64,
    "cpu_share": pl.Float64,
    "suggested_mem_mb": pl.Int64,
    "suggested_runtime_minutes": pl.Int64,
}


@dataclass(frozen=True)
class Record:
    """One benchmark record; missing is None."""

    stage: str
    model: str
    depth: int | None
    width: int | None
    time_s: float
    memory_mb: float | None
    cpu_s: float | None


def resource_table(study: Study, files: StudyFiles) -> pl.DataFrame:
    """One row per stage and size of network; see `COLUMNS`.

    Parameters
    ----------
    study
        As configured; records of configurations that it no longer has are left out.
    files
        The study's results.

    Notes
    -----
    ``cpu_share`` is the share of the time for which a job kept one core busy. The suggestions are 1.3 times the largest
    memory and what Snakemake needs itself, and twice the longest time and five minutes.
    """
    schema = {"stage": pl.String, "model": pl.String, "depth": pl.Int32, "width": pl.Int32, "time_s": pl.Float64,
              "memory_mb": pl.Float64, "cpu_s": pl.Float64}  # fmt: skip
    records = pl.DataFrame([vars(record) for record in _records(study, files)], schema)
    order = {stage: place for place, stage in enumerate(STAGES)}
    return (
        records.group_by("stage", "model", "depth", "width", maintain_order=True)
        .agg(
            jobs=pl.len().cast(pl.Int32),
            median_time_s=pl.col("time_s").median(),
            longest_time_s=pl.col("time_s").max(),
            peak_memory_mb=pl.col("memory_mb").max(),
            cpu_share=pl.col("cpu_s").sum() / pl.col("time_s").filter(pl.col("cpu_s").is_not_null()).sum(),
        )
        .with_columns(
            cpu_share=pl.when(pl.col("cpu_share").is_finite()).then("cpu_share"),
            suggested_mem_mb=((MARGIN_ON_MEASURED_MEMORY * pl.col("peak_memory_mb") + SNAKEMAKE_MEMORY_MB) / 100).ceil()
            * 100,
            suggested_runtime_minutes=(TIME_MARGIN * pl.col("longest_time_s") / 60 + START_MINUTES).ceil(),
        )
        .sort(pl.col("stage").replace_strict(order, return_dtype=pl.Int32), "model", "depth", "width")
        .select(pl.col(name).cast(dtype) for name, dtype in COLUMNS.items())
    )


def suggested_settings(table: pl.DataFrame, study: Study) -> str:
    """The suggestions as a section of a profile: for each stage what its largest networks need."""
    lines = ["set-resources:"]
    for stage in table["stage"].unique(maintain_order=True):
        of_stage = table.filter(pl.col("stage") == stage)
        for rule in RULES[type(study)][stage]:
            lines.append(f"  {rule}:")
            for resource, column in (("mem_mb", "suggested_mem_mb"), ("runtime", "suggested_runtime_minutes")):
                known = of_stage[column].drop_nulls().to_list()
                if known:
                    lines.append(f'    {resource}: "{max(known)} * attempt"')
    return "\n".join(lines)


def _records(study: Study, files: StudyFiles) -> Iterator[Record]:
    for configuration in configurations_of(study):
        axes = dict(configuration.axes)
        depth, width = (axes[name] if isinstance(axes.get(name), int) else None for name in ("depth", "width"))
        for stage, path in _benchmarks(files, configuration.identifier):
            with path.open(encoding="utf-8") as stream:
                for row in csv.DictReader(stream, delimiter="\t"):
                    time_s = _number(row.get("s"))
                    if time_s is None:
                        continue
                    yield Record(
                        stage, configuration.model, depth, width,
                        time_s, _number(row.get("max_rss")), _number(row.get("cpu_time")),
                    )  # fmt: skip


def _benchmarks(files: StudyFiles, configuration: str) -> Iterator[tuple[str, Path]]:
    """The records of a configuration by stage; of networks that users bring there may be one of each network and state."""
    for stage in STAGES:
        path = files.benchmark(stage, configuration)
        yield from ((stage, each) for each in (path, *sorted(path.with_suffix("").glob("*.tsv"))) if each.is_file())


def _number(text: str | None) -> float | None:
    """A value of a record; a job that was too short to be looked at has ``-`` or ``NA``."""
    try:
        value = float(text or "")
    except ValueError:
        return None
    return value if math.isfinite(value) else None
