"""The workflow around the work: what start-up and orchestration cost, and how long a dry run takes."""

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from measure import Measured, Row, cores, side

REPOSITORY = Path(__file__).resolve().parents[1]


def _snakemake(folder: str, *arguments: str) -> Measured:
    """Run Snakemake in a copy of the workflow."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    command = [str(Path(sys.executable).with_name("snakemake")), *arguments]
    started = time.perf_counter()
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - started
    if process.returncode:
        raise RuntimeError(process.stderr[-2000:])
    return Measured(seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, None)


def _copy(folder: str) -> None:
    for name in ("Snakefile", "config.yaml"):
        shutil.copy(REPOSITORY / name, folder)
    for name in ("workflow", "presets"):
        shutil.copytree(REPOSITORY / name, Path(folder) / name)


def _run(*arguments: str) -> Any:
    folder = tempfile.mkdtemp()
    _copy(folder)
    return lambda: _snakemake(folder, *arguments), lambda found: (shutil.rmtree(folder), found)[1]


def run_default_study(folder: str) -> None:
    """The default study in a folder, from nothing to its report."""
    _copy(folder)
    _snakemake(folder, "--cores", str(cores()), "--quiet", "all")


def default_run() -> Any:
    """The default study by Snakemake on all cores."""
    return _run("--cores", str(cores()), "--quiet", "all")


def dry_run() -> Any:
    """The job graph of the dissertation."""
    return _run("-n", "--quiet", "all", "--configfile", "presets/dissertation.yaml", "--config", "data_root=nowhere")


def work_alone() -> Any:
    """Everything that the default run computes, one thing after another in one process that has imported all."""
    import altair  # noqa: F401
    import torch
    import yaml

    from nodescope import datasets, grid
    from nodescope.analyses import analyse_configuration, kernel_density, patterns
    from nodescope.analyses.networks import analyse_networks
    from nodescope.charts.drawing import draw
    from nodescope.charts.registry import charts_of
    from nodescope.config import parse_config
    from nodescope.diagnosis import compare_remedies, diagnose
    from nodescope.files import write_text
    from nodescope.recording.recorder import record_configuration
    from nodescope.report import build
    from nodescope.reproduction.scoring import score
    from nodescope.tables import collect_tables, read_table, write_table
    from nodescope.training import train_configuration

    torch.set_num_threads(1)
    config = parse_config(yaml.safe_load((REPOSITORY / "config.yaml").read_text(encoding="utf-8")))
    kernel_density.compile_ahead()
    patterns.compile_ahead()

    def run() -> None:
        (study,) = config.studies
        name, states = study.dataset.name, grid.states(study)
        root = Path(tempfile.mkdtemp())
        results = root / "results"
        prepared = results / "datasets" / f"{name}.npz"
        datasets.prepare(study.dataset, config.data_root, prepared, download=False)
        dataset = datasets.load(prepared)
        own = results / study.name
        tables = own / "tables"
        write_table(grid.manifest(study), own / "manifest.parquet")
        write_text(own / "config.json", json.dumps(study.model_dump(mode="json")))
        identifiers = [c.identifier for c in grid.configurations(study)]
        for configuration in grid.configurations(study):
            identifier, keys = configuration.identifier, configuration.keys()
            models, activations = own / "models" / identifier, own / "activations" / identifier
            trained = train_configuration(
                keys, study.seeds, study.training, dataset, device="cpu", progress_folder=root / "p", title=identifier
            )
            trained.save_networks(models, study.training.snapshots)
            write_table(trained.learning_curves(), tables / "learning_curves" / f"{identifier}.parquet")
            write_table(trained.accuracy_table(), tables / "accuracy" / f"{identifier}.parquet")
            write_table(trained.replica_table(), tables / "replicas" / f"{identifier}.parquet")
            trained.progress.remove()
            record_configuration(models, activations, dataset, name, study.seeds, states)
            for names in grid.analysis_jobs(study):
                analyses = {analysis: getattr(study.analyses, analysis) for analysis in names}
                if names == grid.made_together(study, "networks"):
                    measured = analyse_networks(analyses, models, dataset, keys, study.seeds, states)
                else:
                    measured = analyse_configuration(
                        analyses, str(activations), keys, study.seeds, states, study.theta_threshold
                    )
                for analysis, table in measured.items():
                    write_table(table, tables / analysis / f"{identifier}.parquet")
        collect_tables(grid.measured_tables(study), identifiers, tables)
        collected = {table: read_table(tables / f"{table}.parquet") for table in grid.measured_tables(study)}
        collected["diagnosis"] = diagnose({name: collected[name] for name in grid.DIAGNOSED_TABLES}, study.diagnosis)
        collected["remedies"] = compare_remedies(collected["accuracy"], collected["diagnosis"])
        collected |= score({name: collected[name] for name in grid.SCORED_TABLES if name in collected}, study)
        for table in (*grid.DIAGNOSIS_TABLES, *grid.SCORE_TABLES):
            write_table(collected[table], tables / f"{table}.parquet", tables / f"{table}.csv")
        draw(
            study.name,
            [chart.name for chart in charts_of(study)],
            tables,
            prepared.with_suffix(".json"),
            config.charts,
            states,
            own / "charts",
            root / "data" / study.name,
        )
        build(root / "index.html", config.report.title, [study.name], results, config.charts)
        shutil.rmtree(root)

    return run, lambda _: None


def compare_default_run() -> Row:
    """The default run against its own work."""
    whole, work = side(default_run, repeat=1), side(work_alone, repeat=1)
    around = 1 - work.seconds / cores() / whole.seconds
    return Row(
        "default-run",
        f"default study by Snakemake, {cores()} cores",
        "its own work in one warm process",
        "start-up and orchestration <= 35 % of the time on all cores",
        Measured(whole.seconds, whole.result.peak_mb, None),
        work,
        around <= 0.35,
        f"start-up and orchestration {100 * around:.0f} %",
    )


def measure_dry_run() -> Row:
    """The dry run; nothing to compare it with."""
    found = side(dry_run, repeat=1)
    peak = found.result.peak_mb
    mine = Measured(found.seconds, peak, None)
    return Row(
        "dry-run",
        "dry run of the dissertation",
        "none",
        "<= 10 s, <= 500 MB",
        mine,
        mine,
        found.seconds <= 10 and peak <= 500,
    )
