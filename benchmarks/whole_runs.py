"""The workflow around the work: what start-up and orchestration cost, and how long a dry run takes."""

import os
import resource
import runpy
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
    shutil.copy(REPOSITORY / "config.yaml", folder)
    for name in ("workflow", "presets"):
        shutil.copytree(REPOSITORY / name, Path(folder) / name)


def run_workflow(folder: str, *arguments: str) -> Any:
    """The workflow in a folder of its own."""
    _copy(folder)
    return lambda: _snakemake(folder, *arguments), lambda found: found


def work_alone(folder: str) -> Any:
    """Every script of a finished run once more, one after another in one process that has imported all."""
    import altair  # noqa: F401
    import torch

    from nodescope import networks as models  # noqa: F401
    from nodescope.charts import drawing
    from nodescope.findings import diagnosis  # noqa: F401
    from nodescope.measuring import networks  # noqa: F401
    from nodescope.numerics import kernel_density
    from nodescope.numerics import pattern_packing as packing  # noqa: F401
    from nodescope.report import build  # noqa: F401

    torch.set_num_threads(1)
    kernel_density.compile_ahead()
    scripts = sorted(Path(folder, ".snakemake", "scripts").glob("*.py"), key=lambda path: path.stat().st_mtime)
    assert len(scripts) > 20 and drawing

    def run() -> None:
        os.chdir(folder)
        for script in scripts:
            runpy.run_path(str(script), run_name="__main__")

    return run, lambda _: len(scripts)


def compare_default_run() -> Row:
    """The default run against its own work."""
    with tempfile.TemporaryDirectory() as folder:
        whole = side(run_workflow, folder, "--cores", str(cores()), "--quiet", "all", "--skip-script-cleanup", repeat=1)
        work = side(work_alone, folder, repeat=1)
    around = 1 - work.seconds / cores() / whole.seconds
    return Row(
        "default-run",
        f"default studies by Snakemake, {cores()} cores",
        f"the work of their {work.result} jobs in one warm process",
        "start-up and orchestration <= 35 % of the time on all cores",
        Measured(whole.seconds, whole.result.peak_mb, None),
        work,
        around <= 0.35,
        f"start-up and orchestration {100 * around:.0f} %",
    )


def measure_dry_run() -> Row:
    """The dry run; nothing to compare it with."""
    with tempfile.TemporaryDirectory() as folder:
        dissertation = ("--configfile", "presets/dissertation.yaml", "--config", "data_root=nowhere")
        found = side(run_workflow, folder, "-n", "--quiet", "all", *dissertation, repeat=1)
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
