"""Random kills of Snakemake and of its jobs, again and again: the run that follows ends with the same numbers."""

import random
import re
import time

import psutil
import pytest
from conftest import LONG
from project import Project, assert_same_numbers, without_analyses

KILLS = 50 if LONG else 4
KINDS = ("training", "analysis", "snakemake", "everything")

CONFIG = {
    "download": False,
    "studies": [
        {
            "name": "flowers",
            "dataset": {"source": "iris", "validation_size": 0.2},
            "grid": {"depth": [1, 2], "width": [6], "activation": ["relu", "sigmoid"]},
            "seeds": [0, 1],
            "training": {
                "epochs": 250, "batch_size": 16, "learning_rates": [0.01], "refinement_rounds": 1, "snapshots": [2, 100],
            },
            "analyses": without_analyses(but=("medians", "sparsity", "distributions")),
        }
    ],
}  # fmt: skip


def edit(path, pattern, replacement):
    """Change one place of a source file."""
    text, found = re.subn(pattern, replacement, path.read_text(encoding="utf-8"))
    assert found == 1
    path.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    project = Project(tmp_path_factory.mktemp("undisturbed"), CONFIG)
    saves_often(project)
    project.snakemake("tables")
    return project.numbers()


def saves_often(project):
    """A state every half second, as a large network saves one every half minute."""
    source = project.path / "src/nodescope/training/rounds.py"
    edit(source, r"SECONDS_BETWEEN_CHECKPOINTS = [\d.]+", "SECONDS_BETWEEN_CHECKPOINTS = 0.5")


def jobs_of(process):
    """The jobs that a Snakemake has started."""
    try:
        children = process.children(recursive=True)
        return [child for child in children if ".snakemake/scripts/" in " ".join(child.cmdline())]
    except psutil.Error:
        return []


def name_of(job):
    """Of the script that a job runs; empty where it has ended."""
    try:
        found = re.search(r"\.(\w+)\.py", " ".join(job.cmdline()))
    except psutil.Error:
        return ""
    return found[1] if found else ""


def victims(snakemake, kind):
    """The processes to kill, as far as they are there: Snakemake, a training, another job, or everything at once."""
    jobs = jobs_of(snakemake)
    match kind:
        case "snakemake":
            return [snakemake]
        case "everything":
            return [snakemake, *jobs] if jobs else []
        case "training":
            return [job for job in jobs if name_of(job) == "train"][:1]
        case _:
            return [job for job in jobs if name_of(job) not in ("train", "")][:1]


def kill_one(running, kind, rng):
    """Wait until there is what is to be killed, and a random time; what was killed, and the jobs that may be left."""
    snakemake = psutil.Process(running.pid)
    if kind == "snakemake":
        time.sleep(rng.uniform(1, 8))
    while running.poll() is None and not victims(snakemake, kind):
        time.sleep(0.05)
    time.sleep(rng.uniform(0, 1.5))
    jobs, doomed = jobs_of(snakemake), victims(snakemake, kind) if running.poll() is None else []
    try:
        for process in doomed:
            process.kill()
    except psutil.NoSuchProcess:
        doomed = []  # it ended just before
    return doomed, jobs


def test_random_kills_change_no_number(tmp_path, undisturbed, figures):
    rng = random.Random(11)
    project = Project(tmp_path / "killed", CONFIG)
    saves_often(project)
    log = tmp_path / "log"
    killed = dict.fromkeys(KINDS, 0)
    for _ in range(10 * KILLS):
        if sum(killed.values()) == KILLS:
            break
        kind = min(KINDS, key=killed.__getitem__)
        running = project.start("tables", "--keep-going", "--rerun-incomplete", log=log)
        doomed, jobs = kill_one(running, kind, rng)
        killed[kind] += bool(doomed)
        if running.wait(400) == 0:
            # Everything is done before enough was killed: a part of it is lost, as by a careless hand.
            configuration = rng.choice(["relu-1x6", "sigmoid-1x6", "relu-2x6", "sigmoid-2x6"])
            tables = project.path / "results/flowers/tables"
            for path in [*tables.glob("*.parquet"), *tables.glob(f"*/{configuration}.parquet")]:
                path.unlink()
        # Jobs whose Snakemake is gone stop by themselves; nothing is left that writes.
        _, alive = psutil.wait_procs(jobs, timeout=200)
        assert not alive
        project.snakemake("--unlock")
    assert sum(killed.values()) == KILLS
    project.snakemake("tables", "--rerun-incomplete")
    assert_same_numbers(project.numbers(), undisturbed)
    left = [
        path for path in (project.path / "results/flowers").rglob("*") if ".progress" in path.parts and path.is_file()
    ]
    assert not left, "states are cleaned up when a training is done"
    resumed = log.read_text(encoding="utf-8", errors="replace").count("resuming after epoch")
    assert resumed > 0 or not LONG  # a few kills may all miss the trainings
    figures["random kills without a change of any number"] = sum(killed.values())
    figures["of them: " + ", ".join(killed)] = ", ".join(map(str, killed.values()))
    figures["trainings resumed from a checkpoint after a kill"] = resumed
