"""The pipeline on a real SLURM cluster of four nodes gives bit for bit what a local run gives, through faults too."""

import re
import subprocess
import time

import pytest
from conftest import LONG
from project import Project, assert_same_numbers, without_analyses
from slurm.cluster import Cluster, why_not
from slurm.submitting import ClusterProject


def config(name="flowers", epochs=6, **changes):
    study = {
        "name": name,
        "dataset": {"source": "iris", "validation_size": 0.2},
        "grid": {"depth": [2], "width": [6], "activation": ["relu", "sigmoid"]},
        "seeds": [0, 1],
        "training": {"epochs": epochs, "batch_size": 16, "learning_rates": [0.01], "refinement_rounds": 0, "snapshots": [2]},
        "analyses": without_analyses(but=("medians", "sparsity")),
    }  # fmt: skip
    return {"download": False, "studies": [study | changes]}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Four nodes of one CPU each."""
    reason = why_not()
    if reason:
        pytest.skip(f"no SLURM cluster can be started: {reason}")
    started = Cluster.start(tmp_path_factory.mktemp("cluster"))
    try:
        yield started
    finally:
        started.stop()
        left = subprocess.run(["pgrep", "-f", str(started.root)], capture_output=True, text=True).stdout
        assert not left, "the cluster left processes behind"


def wait_for(condition, what, timeout_s=300):
    """What the condition gives once it is true."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.3)
    raise AssertionError(f"waited in vain for {what}")


OWN_NETWORK = """
import torch


def build(seed):
    torch.manual_seed(seed)
    return torch.nn.Sequential(torch.nn.Linear(4, 5), torch.nn.GELU(), torch.nn.Linear(5, 3))
"""


def test_studies_on_the_cluster_equal_the_local_run_bit_for_bit(cluster, tmp_path):
    settings = config(grid={"depth": [2], "width": [6], "activation": ["relu"]})
    own = {name: settings["studies"][0][name] for name in ("dataset", "analyses")}
    settings["studies"].append({"name": "own", "module": {"make": "my_net.py:build", "with": {"seed": 1}}} | own)
    on_cluster = ClusterProject(tmp_path / "on a cluster, naïvely", settings, cluster)
    local = Project(tmp_path / "local", settings)
    for project in (on_cluster, local):
        (project.path / "my_net.py").write_text(OWN_NETWORK, encoding="utf-8")
    said = on_cluster.snakemake()
    assert "The report is at reports/index.html" in said
    local.snakemake("tables", *(f"results/{study['name']}/findings.json" for study in settings["studies"]))
    numbers = on_cluster.numbers()
    assert_same_numbers(numbers, local.numbers())
    assert len([path for path in numbers if path.endswith(".safetensors")]) == 2 * 3
    # Only what belongs on compute nodes was submitted; each job on one of them.
    comments = cluster.client("squeue", "-h", "-t", "all", "-o", "%k %T %N").splitlines()
    assert {re.match(r"rule_([a-z_]+?)_wildcards", comment)[1] for comment in comments} == {
        "train_configuration", "record_activations", "record_module", "measure_nodes",
    }  # fmt: skip
    assert all(re.search(r" COMPLETED node[1-4]$", comment) for comment in comments)
    status = on_cluster.snakemake("status", "--quiet", "all", "--executor", "local", "--cores", "1")
    assert status.count("3 of 3 jobs done") == 2
    assert on_cluster.snakemake("--dry-run").count("Nothing to be done") == 1


def job_of(cluster, text):
    """Id and node of the running job whose comment has a text, once there is one."""

    def running():
        rows = cluster.client("squeue", "-h", "-t", "R", "-o", "%A|%N|%k").splitlines()
        return next((row.split("|")[:2] for row in rows if text in row), None)

    return wait_for(running, f"a running job {text}")


def progress_of(project, name):
    """The saved state of a training, once there is one."""
    path = project.path / "results/faults/.progress" / name / "round-0.safetensors"
    return wait_for(path.is_file, f"a state of {name}")


def test_a_node_that_dies_a_cancelled_job_a_time_limit_and_too_little_memory_are_survived(cluster, tmp_path):
    settings = config("faults", epochs=2000)
    settings["studies"][0]["grid"]["activation"] = ["relu", "sigmoid", "tanh"]
    project = ClusterProject(tmp_path / "faults", settings, cluster)
    source = project.path / "src/nodescope/training/rounds.py"
    text, found = re.subn(
        r"SECONDS_BETWEEN_CHECKPOINTS = [\d.]+", "SECONDS_BETWEEN_CHECKPOINTS = 1.0", source.read_text()
    )
    assert found == 1
    # As slow as a large network, so that there is time for every fault.
    text, found = re.subn(
        r"( +)reporter\.after_epoch\(state\)\n", r"\1reporter.after_epoch(state)\n\1time.sleep(0.06)\n", text
    )
    assert found == 1
    source.write_text(text)
    log = tmp_path / "snakemake.log"
    limits = [
        "--set-resources",
        # A training takes longer than that, and the start of a job less, also on a busy machine. SLURM warns up to half a
        # minute early.
        "train_configuration:runtime=2 if wildcards.configuration == 'tanh-2x6' and attempt == 1 else 10",
        "train_configuration:slurm_extra='--signal=TERM@10'",
        "record_activations:mem_mb=200 * attempt ** 3",
    ]
    running = project.start("recordings", *limits, log=log)
    try:
        _, node = job_of(cluster, "train_configuration_wildcards_faults_relu")
        cancelled, _ = job_of(cluster, "train_configuration_wildcards_faults_sigmoid")
        progress_of(project, "relu-2x6")
        progress_of(project, "sigmoid-2x6")
        assert cluster.cut_power(node) > 3
        cluster.client("scancel", cancelled)
        status = wait_for(lambda: said_of(project, "sigmoid-2x6"), "the cancelled job's last word")
        assert "The job was interrupted (SIGTERM); its state after epoch" in status
        time.sleep(20)
        cluster.start_node(node)
        assert running.wait(1200) == 0, log.read_text()[-5000:]
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    said = log.read_text()
    assert len(re.findall(r"Trying to restart job", said)) >= 5  # two trainings, three recordings without memory
    states = cluster.jobs().values()
    assert {"CANCELLED", "COMPLETED"} <= set(states)
    for name in ("relu-2x6", "sigmoid-2x6", "tanh-2x6"):
        assert "resuming after epoch" in (project.path / f"logs/faults/train/{name}.log").read_text()

    quick = re.sub(r" +time\.sleep\(0\.06\)\n", "", source.read_text())
    local = Project(tmp_path / "local", settings)
    (local.path / "src/nodescope/training/rounds.py").write_text(quick)
    local.snakemake("recordings")
    assert_same_numbers(project.numbers(), local.numbers())


@pytest.mark.skipif(not LONG, reason="a quarter of an hour: make reliability")
def test_a_study_of_thirty_configurations_survives_the_loss_of_a_node(cluster, tmp_path, figures):
    settings = config("thirty", grid={
        "depth": [1, 2, 3], "width": [4, 6], "activation": ["relu", "sigmoid", "tanh", "elu", "gelu"],
    })  # fmt: skip
    project = ClusterProject(tmp_path / "thirty", settings, cluster)
    log = tmp_path / "snakemake.log"
    cluster.wait_until_idle()
    before = len(cluster.jobs())
    started = time.monotonic()
    running = project.start("tables", log=log)
    try:
        wait_for(lambda: len(list((project.path / "results").glob("thirty/tables/medians/*"))) >= 8, "a part", 900)
        # Early in a job, which lasts some seconds.
        wait_for(lambda: not cluster.is_at_work("node2"), "the end of a job on node2")
        wait_for(lambda: cluster.is_at_work("node2"), "a job on node2")
        lost = cluster.running_on("node2")
        assert cluster.cut_power("node2") > 3
        assert running.wait(2400) == 0, log.read_text()[-5000:]
    finally:
        if running.poll() is None:
            running.kill()
            running.wait()
    took = time.monotonic() - started
    assert "down" in cluster.client("sinfo", "-h", "-n", "node2", "-o", "%t")
    jobs = len(cluster.jobs()) - before
    local = Project(tmp_path / "local", settings)
    local.snakemake("tables")
    numbers = project.numbers()
    assert_same_numbers(numbers, local.numbers())
    cluster.start_node("node2")
    figures["configurations of a study on four nodes, one killed in the middle; equal to the local run bit for bit"] = (
        30
    )
    figures["its jobs; jobs lost with the node"] = f"{jobs}, {len(lost)}"
    figures["files of numbers compared"] = len(numbers)
    figures["minutes on a cluster of two real cores"] = round(took / 60, 1)


def said_of(project, name):
    path = project.path / f"logs/faults/train/{name}.log"
    text = path.read_text() if path.is_file() else ""
    return text if "ERROR" in text else None
