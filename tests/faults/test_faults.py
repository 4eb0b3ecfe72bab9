"""Damaged files, full and read-only disks, odd environments, two runs at once, an edit during a run.

The tests of the module share one finished project; each leaves it with the numbers that it had.
"""

import os
import re
import shutil
import signal
import subprocess
import time

import pytest
from faults.test_kills import CONFIG, edit
from project import Project, assert_same_numbers, kill_group

STUDY = CONFIG["studies"][0] | {
    "grid": {"depth": [2], "width": [6], "activation": ["relu", "sigmoid"]},
    "training": CONFIG["studies"][0]["training"] | {"epochs": 6, "snapshots": [2]},
}
SMALL = CONFIG | {"studies": [STUDY]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run in a path with a space and letters that are not ASCII, without UTF-8 as the locale, and without a home."""
    project = Project(tmp_path_factory.mktemp("faults") / "Größe 日本 of it", SMALL)
    bare = {name: value for name, value in project.environment().items() if not name.startswith(("LC_", "LANG"))}
    environment = bare | {"LC_ALL": "C", "HOME": "/proc/none", "XDG_CACHE_HOME": str(project.path / "cache")}
    project.snakemake("tables", env=environment)
    return project, project.numbers()


def flip(path):
    """A bit of the values, behind a header that may be half of a small file."""
    content = bytearray(path.read_bytes())
    content[len(content) * 3 // 4] ^= 8
    path.write_bytes(content)


def test_damaged_files_are_named_never_used_and_made_again(finished):
    project, numbers = finished
    study = project.path / "results/flowers"
    flip(study / "activations/relu-2x6/seed-1/trained/train/layer-2.parquet")
    flip(study / "models/sigmoid-2x6/seed-0/trained.safetensors")
    # What is made from each of the two is wanted again.
    for name in ("relu-2x6", "sigmoid-2x6"):
        (study / f"tables/medians/{name}.parquet").unlink()
    shutil.rmtree(study / "activations/sigmoid-2x6")
    wanted = [f"results/flowers/tables/medians/{name}.parquet" for name in ("relu-2x6", "sigmoid-2x6")]
    said = project.snakemake(*wanted, "--keep-going", expect=1)
    assert re.search(
        r"The activation file \S*relu-2x6/seed-1/trained/train/layer-2.parquet cannot be read \(its checksum", said
    )
    assert re.search(r"The network \S*sigmoid-2x6/seed-0/trained.safetensors cannot be used: .* is damaged", said)
    assert not (study / "tables/medians/relu-2x6.parquet").exists()
    status = project.snakemake("status", "--quiet", "all")
    assert "failed: nodes relu-2x6" in status and "failed: record sigmoid-2x6" in status
    assert "layer-2.parquet cannot be read" in status
    assert "no configuration has finished all its jobs" in project.snakemake("partial_report", expect=1)
    shutil.rmtree(study / "activations/relu-2x6")  # as the messages say
    shutil.rmtree(study / "models/sigmoid-2x6")
    # One configuration is whole again before the other.
    project.snakemake(wanted[0])
    assert "The partial report is at reports/partial/index.html" in project.snakemake("partial_report")
    page = (project.path / "reports/partial/index.html").read_text(encoding="utf-8")
    unfinished = page[page.index('id="unfinished"') : page.index("</table>", page.index('id="unfinished"'))]
    assert "sigmoid-2x6" in unfinished and "relu-2x6" not in unfinished
    shutil.rmtree(project.path / "reports/partial")
    shutil.rmtree(project.path / "results/.partial")
    project.snakemake("tables", wanted[1])
    assert_same_numbers(project.numbers(), numbers)


def test_a_damaged_table_of_a_configuration_is_never_averaged_in(finished):
    project, numbers = finished
    study = project.path / "results/flowers"
    flip(study / "tables/accuracy/relu-2x6.parquet")
    (study / "tables/accuracy.parquet").unlink()
    said = project.snakemake("tables", expect=1)
    assert re.search(r"The table \S*accuracy/relu-2x6.parquet cannot be read \(its checksum", said)
    assert not (study / "tables/accuracy.parquet").exists()
    (study / "tables/accuracy/relu-2x6.parquet").unlink()
    project.snakemake("tables")
    assert_same_numbers(project.numbers(), numbers)


def test_a_damaged_prepared_data_set_is_named_and_prepared_again(finished):
    project, numbers = finished
    (prepared,) = (project.path / "results/datasets").glob("iris-*.npz")
    flip(prepared)
    shutil.rmtree(project.path / "results/flowers/models/relu-2x6")
    said = project.snakemake("results/flowers/models/relu-2x6", expect=1)
    assert (
        f"The prepared data set results/datasets/{prepared.name} cannot be read" in said and "Hint: delete it" in said
    )
    prepared.unlink()
    project.snakemake("tables", "results/flowers/models/relu-2x6")
    assert_same_numbers(project.numbers(), numbers)


def test_times_in_the_past_in_any_order_change_no_number(finished):
    project, numbers = finished
    for number, path in enumerate(sorted((project.path / "results").rglob("*.*"))):
        skewed = time.time() - 3600 * (1 + 7 * number % 50)
        os.utime(path, (skewed, skewed))
    project.snakemake("tables")
    assert_same_numbers(project.numbers(), numbers)


def test_times_in_the_future_are_said_and_change_no_number(finished):
    """Snakemake takes nothing that is older than what it was made from, and says why."""
    project, numbers = finished
    prepared = next((project.path / "results/datasets").glob("iris-*.npz"))
    future = time.time() + 7200
    os.utime(prepared, (future, future))
    shutil.rmtree(project.path / "results/flowers/models/relu-2x6")
    assert "clock skew" in project.snakemake("results/flowers/models/relu-2x6", expect=1)
    prepared.touch()
    project.snakemake("tables", "results/flowers/models/relu-2x6")
    assert_same_numbers(project.numbers(), numbers)


def can_mount(folder):
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1M", "tmpfs", str(folder)], capture_output=True)
    if done.returncode == 0:
        subprocess.run(["umount", str(folder)], check=True)
    return done.returncode == 0


@pytest.fixture
def small_disk(finished, tmp_path):
    """The results of an empty project on a disk of its own, and how to change its size or to make it read-only."""
    (tmp_path / "a").mkdir()
    if not can_mount(tmp_path / "a"):
        pytest.skip("a small file system cannot be mounted here (needs root)")
    project = Project(tmp_path / "on a small disk", SMALL)
    results = project.path / "results"
    results.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(results)], check=True)

    def remount(option):
        subprocess.run(["mount", "-o", f"remount,{option}", str(results)], check=True)

    try:
        yield project, remount
    finally:
        subprocess.run(["umount", "-l", str(results)], check=True)


def test_a_full_or_read_only_disk_is_said_and_what_was_done_is_kept(finished, small_disk):
    """Sizes at which the data set, the networks, the recordings and the tables no longer fit, one after another."""
    _, numbers = finished
    project, remount = small_disk
    said = ""
    for size in ("24k", "100k", "280k"):
        remount(f"size={size}")
        said += project.snakemake("tables", "--keep-going", "--rerun-incomplete", expect=1)
        unfinished = [path for path in (project.path / "results").rglob("*partial*")]
        assert not unfinished
    assert said.count("No space left on device") >= 2
    remount("ro")
    said = project.snakemake("tables", expect=1)
    assert "Read-only file system" in said and "Traceback" not in said
    remount("rw")
    remount("size=50M")
    project.snakemake("tables", "--rerun-incomplete")
    assert_same_numbers(project.numbers(), numbers)


def slow_project(path):
    """Trainings that take their time."""
    project = Project(path, SMALL)
    source = project.path / "src/nodescope/training/rounds.py"
    edit(source, r"( +)reporter\.after_epoch\(state\)\n", r"\1reporter.after_epoch(state)\n\1time.sleep(1.5)\n")
    return project


def wait_for_file(path):
    deadline = time.monotonic() + 400
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert path.exists()


def test_a_second_run_and_an_edit_of_the_configuration_do_not_disturb_the_first(finished, tmp_path):
    _, numbers = finished
    project = slow_project(tmp_path / "twice")
    running = project.start("tables", log=tmp_path / "log")
    try:
        wait_for_file(project.path / "logs/flowers/train/relu-2x6.log")
        said = project.snakemake("tables", expect=1)
        assert "cannot be locked" in said and "Traceback" not in said
        status = project.snakemake("status", "--quiet", "all")
        assert "2 running" in status
        edited = SMALL | {"studies": [STUDY | {"training": STUDY["training"] | {"batch_size": 4}}]}
        project.configure(edited)
        # A job on another node reads the configuration anew; it knows that of its run.
        environment = project.environment() | {"NODESCOPE_CONFIG_OF_RUN": "that of the run"}
        assert "was edited during a run of Snakemake" in project.snakemake("-n", expect=1, env=environment)
        assert running.wait(400) == 0, (tmp_path / "log").read_text()
    finally:
        if running.poll() is None:
            kill_group(running)
    of_first = {path: content for path, content in project.numbers().items() if not path.endswith("config.json")}
    assert_same_numbers(
        of_first, {path: content for path, content in numbers.items() if not path.endswith("config.json")}
    )
    # The edit is noticed by the next run.
    assert project.jobs("tables")["train_configuration"] == 2


def test_ctrl_c_ends_with_a_word_and_the_next_run_goes_on(finished, tmp_path):
    _, numbers = finished
    project = slow_project(tmp_path / "interrupted")
    log = tmp_path / "log"
    running = project.start("tables", log=log)
    try:
        for name in ("relu-2x6", "sigmoid-2x6"):
            wait_for_file(project.path / f"results/flowers/.progress/{name}/fingerprint")
        time.sleep(2.5)
        kill_group(running, signal.SIGINT)
    finally:
        if running.poll() is None:
            kill_group(running)
    said = log.read_text(encoding="utf-8", errors="replace")
    assert "The job was interrupted (SIGINT); its state after epoch" in said
    assert said.count("Traceback") == 0
    again = project.snakemake("tables", "--rerun-incomplete")
    assert "resuming after epoch" in again
    assert_same_numbers(project.numbers(), numbers)


@pytest.mark.skipif(
    shutil.which("rsync") is None, reason="the storage plugin fs copies with rsync: apt-get install rsync"
)
def test_results_in_a_storage_are_those_on_the_disk(finished, tmp_path):
    """Data, training, recording and measuring with Snakemake's storage plugin fs."""
    _, numbers = finished
    project = Project(tmp_path / "with a storage", SMALL)
    store = tmp_path / "store"
    store.mkdir()
    table = "tables/medians/relu-2x6.parquet"
    project.snakemake(
        f"results/flowers/{table}", "--default-storage-provider", "fs", "--default-storage-prefix", str(store),
        "--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache",
    )  # fmt: skip
    assert not (project.path / "results/flowers/tables").exists()
    assert (store / "results/flowers" / table).read_bytes() == numbers[f"flowers/{table}"]
