"""What the files of a study say of its jobs: done, running, failed (why, and where the log is), missing."""

import os
import subprocess
import sys
import time

import pytest

from nodescope.analyses import registered
from nodescope.config.loading import parse_config
from nodescope.jobs.job import job
from nodescope.jobs.status import SECONDS_TO_SILENCE, describe_status, study_status
from nodescope.messages.errors import NodescopeError
from nodescope.study.layout import prepared_name

CONFIG = parse_config(
    {
        "studies": [
            {
                "name": "flowers",
                "dataset": "iris",
                "grid": {"depth": [1], "width": [4], "activation": ["relu", "tanh"]},
                "analyses": {
                    name: {"enabled": False}
                    for name, analysis in registered().items()
                    if not analysis.of_networks and name != "medians"
                },
            }
        ]
    }
)
STUDY = CONFIG.studies[0]


def states(folder):
    return {(s.configuration, s.stage): s for s in study_status(STUDY, folder)}


def log(folder, stage, identifier="relu-1x4"):
    return folder / "logs" / "flowers" / stage / f"{identifier}.log"


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def run_job(path, work):
    with job(str(path), "Doing it"):
        work()


def test_without_any_file_everything_is_missing(tmp_path):
    found = study_status(STUDY, tmp_path)
    assert {s.state for s in found} == {"missing"}
    assert len(found) == 2 * len(["train", "record", "nodes", "networks"])


def test_a_job_that_ended_well_is_done_as_long_as_its_output_is_there(tmp_path):
    output = tmp_path / "results/flowers/tables/medians/relu-1x4.parquet"
    run_job(log(tmp_path, "nodes"), lambda: touch(output))
    assert states(tmp_path)["relu-1x4", "nodes"].state == "done"
    assert states(tmp_path)["tanh-1x4", "nodes"].state == "missing"
    output.unlink()
    assert states(tmp_path)["relu-1x4", "nodes"].state == "missing"


@pytest.mark.parametrize(
    ("error", "cause"),
    [(NodescopeError("No such file.\nHint: look."), "No such file.\nHint: look."), (ValueError("7"), "ValueError: 7")],
)
def test_a_failed_job_says_why_and_where_its_log_is(error, cause, tmp_path):
    def fail():
        raise error

    with pytest.raises(SystemExit):
        run_job(log(tmp_path, "train"), fail)
    status = states(tmp_path)["relu-1x4", "train"]
    assert (status.state, status.cause, status.log) == ("failed", cause, "logs/flowers/train/relu-1x4.log")
    said = describe_status(CONFIG, tmp_path)
    assert "1 failed" in said and cause.splitlines()[0] in said and status.log in said


def test_a_job_is_running_while_it_lives_and_failed_when_it_was_killed(tmp_path):
    path = log(tmp_path, "record")
    (tmp_path / "results/flowers/activations/relu-1x4").mkdir(parents=True)  # half written
    program = (
        "import sys, time\nfrom nodescope.jobs.job import job\n"
        "with job(sys.argv[1], 'Recording'):\n    print('up', flush=True)\n    time.sleep(60)\n"
    )
    running = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert running.stdout.readline() == "up\n"
    assert states(tmp_path)["relu-1x4", "record"].state == "running"
    running.kill()
    running.communicate()
    status = states(tmp_path)["relu-1x4", "record"]
    assert status.state == "failed" and "without a message" in status.cause


def test_a_job_of_another_machine_is_running_as_long_as_it_gives_signs_of_life(tmp_path):
    path = log(tmp_path, "train")
    touch(path)
    path.write_text("2026-01-01 10:00:00,000 INFO started on node-7, process 1\n")
    assert states(tmp_path)["relu-1x4", "train"].state == "running"
    silent = time.time() - SECONDS_TO_SILENCE - 1
    os.utime(path, (silent, silent))
    assert states(tmp_path)["relu-1x4", "train"].state == "failed"


def test_a_job_whose_snakemake_has_died_stops_by_itself(tmp_path):
    path = tmp_path / "a.log"
    program = (
        "import sys, time\nfrom nodescope.jobs.job import job\n"
        "with job(sys.argv[1], 'Waiting'):\n    print('up', flush=True)\n    time.sleep(60)\n"
    )
    start = "import subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-c", start, "-c", program, str(path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert parent.stdout.readline() == "up\n"
    parent.kill()
    parent.wait()
    deadline = time.monotonic() + 20
    while "interrupted" not in path.read_text() and time.monotonic() < deadline:
        time.sleep(0.1)
    parent.stdout.close()
    assert "interrupted" in path.read_text()


def test_a_failed_job_of_the_whole_study_is_listed_too(tmp_path):
    def fail():
        raise NodescopeError("No data.")

    with pytest.raises(SystemExit):
        run_job(tmp_path / f"logs/datasets/{prepared_name(STUDY.dataset)}.log", fail)
    first = study_status(STUDY, tmp_path)[0]
    assert (first.configuration, first.stage, first.state, first.cause) == ("", "datasets", "failed", "No data.")
