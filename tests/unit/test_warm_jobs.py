"""Jobs in a process that has the libraries loaded: they are as jobs that run by themselves."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from nodescope.jobs import warm

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="jobs are started from a server on Linux only"),
    pytest.mark.slow,
]

SERVER = """
import sys
from nodescope.jobs import warm
warm.LOADED = ("json",)
warm.main(*sys.argv[1:])
"""

JOB = """
import os, sys
from nodescope.jobs.job import job
with job("logs/study/stage/name.log", "Testing"):
    %s
"""


def until(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def served():
    """A process that stands for Snakemake."""
    process = subprocess.Popen(["sleep", "600"])
    yield process
    process.kill()
    process.wait()


@pytest.fixture
def folder(served, tmp_path, monkeypatch):
    """A server that is ready."""
    folder = tmp_path / "server"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv(warm.VARIABLE, f"{served.pid}:{folder}")
    monkeypatch.delenv(warm.INSIDE, raising=False)
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(served.pid)])
    until((folder / "socket").exists)
    yield folder
    server.kill()
    server.wait()


def started(tmp_path, work, **options):
    script, written = tmp_path / "script.py", tmp_path / "written.py"
    written.write_text(JOB % work.replace("\n", "\n    "), encoding="utf-8")
    written.replace(script)  # at once: a job that has just been started may be reading it
    home = tmp_path / "home"
    home.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, script], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )


def finished(process):
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


ABOUT = """
import json
import __main__
print(json.dumps([os.getpid(), os.getppid(), os.getcwd(), os.environ.get("MINE"), sys.argv, __name__, sys.path[0]]))
"""


def test_a_job_runs_in_a_child_of_the_server_as_if_it_ran_by_itself(folder, tmp_path):
    process = started(tmp_path, ABOUT, env=os.environ | {"MINE": "yes"})
    status, out, err = finished(process)
    pid, parent, where, mine, argv, name, first = json.loads(out)
    assert status == 0, err
    assert pid != process.pid and parent != os.getpid()
    script = str(tmp_path / "script.py")
    assert (where, mine, argv, name, first) == (str(tmp_path / "home"), "yes", [script], "__main__", str(tmp_path))
    log = (tmp_path / "home/logs/study/stage/name.log").read_text()
    assert f"process {pid}" in log and "done" in log
    seconds, memory, cpu = (tmp_path / "home/results/study/benchmarks/stage/name.tsv").read_text().split()[3:]
    assert 0 <= float(seconds) < 60 and float(memory) > 1 and 0 <= float(cpu) < 60


@pytest.mark.parametrize(
    ("work", "expected", "said"),
    [
        ("print('fine')", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("raise ValueError('no such thing')", 1, "Testing failed: ValueError: no such thing"),
        ("os.kill(os.getpid(), 9)", -9, ""),
        ("print('on stderr', file=sys.stderr)", 0, "on stderr"),
    ],
)
def test_status_and_output_are_those_of_the_script(folder, tmp_path, monkeypatch, work, expected, said):
    in_server = finished(started(tmp_path, work))
    monkeypatch.setenv(warm.VARIABLE, warm.OFF)
    by_itself = finished(started(tmp_path, work))
    assert in_server == by_itself
    assert in_server[0] == expected and said in in_server[2]


def test_jobs_run_side_by_side_and_see_nothing_of_each_other(folder, tmp_path):
    work = (
        "import time; os.environ['MARK'] = os.environ.get('MARK', '') + 'x'; time.sleep(0.3); print(os.environ['MARK'])"
    )
    processes = [started(tmp_path, work) for _ in range(4)]
    assert [finished(process)[:2] for process in processes] == [(0, "x\n")] * 4


WAITS = """
import signal, time
from pathlib import Path
Path("pid").write_text(str(os.getpid()))
time.sleep(600)
"""


def waiting(tmp_path):
    """A job that waits, and the process that does."""
    process = started(tmp_path, WAITS)
    path = tmp_path / "home/pid"
    return process, int(until(lambda: path.is_file() and path.read_text()))


def test_a_job_that_is_asked_to_stop_stops_politely(folder, tmp_path):
    process, pid = waiting(tmp_path)
    process.send_signal(signal.SIGTERM)
    status, _, err = finished(process)
    assert status == 1 and "The job was interrupted (SIGTERM)" in err
    assert not is_alive(pid)


def test_a_request_to_stop_the_whole_group_leaves_the_word_to_the_jobs(folder, served, tmp_path):
    process, pid = waiting(tmp_path)
    server = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(server, signal.SIGTERM)
    process.send_signal(signal.SIGTERM)
    status, _, err = finished(process)
    assert status == 1 and "The job was interrupted (SIGTERM)" in err
    assert finished(started(tmp_path, "print('next')"))[:2] == (0, "next\n")


def test_a_job_that_breaks_off_in_between_does_not_end_the_others(folder, tmp_path):
    process, pid = waiting(tmp_path)
    for message in (b"{", b"{}", json.dumps({"settings": warm._settings()}).encode()):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
            connection.connect(str(folder / "socket"))
            socket.send_fds(connection, [message], [1, 2])
    assert finished(started(tmp_path, "print('next')"))[:2] == (0, "next\n")
    assert is_alive(pid)
    process.send_signal(signal.SIGTERM)
    finished(process)


def test_warnings_of_a_job_are_shown(folder, tmp_path):
    assert "mind this" in finished(started(tmp_path, "import warnings; warnings.warn('mind this')"))[2]


def test_a_folder_that_others_may_use_is_not_trusted(folder, tmp_path):
    folder.chmod(0o755)
    process = started(tmp_path, ABOUT)
    assert json.loads(finished(process)[1])[0] == process.pid


def test_where_no_socket_can_be_named_no_server_is_offered(monkeypatch):
    monkeypatch.delenv(warm.VARIABLE, raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: "/tmp/" + "x" * 120)
    warm.offer_server()
    assert warm.VARIABLE not in os.environ


def test_a_job_that_is_killed_does_not_live_on_in_the_server(folder, tmp_path):
    process, pid = waiting(tmp_path)
    process.kill()
    process.communicate()
    until(lambda: not is_alive(pid))
    assert finished(started(tmp_path, "print('next')"))[:2] == (0, "next\n")


def test_the_end_of_the_server_ends_its_jobs_with_a_word(served, tmp_path, monkeypatch):
    folder = tmp_path / "server"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv(warm.VARIABLE, f"{served.pid}:{folder}")
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(folder), str(served.pid)])
    until((folder / "socket").exists)
    process, pid = waiting(tmp_path)
    server.kill()
    server.wait()
    status, _, err = finished(process)
    assert status == 1 and "ended unexpectedly" in err
    until(lambda: not is_alive(pid))


def test_the_server_ends_with_the_process_that_it_serves_and_asks_its_jobs_to_stop(folder, served, tmp_path):
    process, pid = waiting(tmp_path)
    served.kill()
    served.wait()
    status, _, err = finished(process)
    assert status == 1 and "interrupted" in err
    until(lambda: not is_alive(pid) and not folder.exists())


def test_a_job_with_other_settings_of_the_libraries_runs_by_itself(folder, tmp_path):
    process = started(tmp_path, ABOUT, env=os.environ | {"OMP_NUM_THREADS": "3"})
    status, out, _ = finished(process)
    assert status == 0 and json.loads(out)[0] == process.pid


def test_the_first_job_runs_by_itself_and_starts_a_server_for_the_next(served, tmp_path, monkeypatch):
    folder = tmp_path / "server"
    monkeypatch.setenv(warm.VARIABLE, f"{served.pid}:{folder}")
    monkeypatch.delenv(warm.INSIDE, raising=False)
    first = started(tmp_path, ABOUT)
    assert json.loads(finished(first)[1])[0] == first.pid
    assert folder.stat().st_mode & 0o777 == 0o700
    until((folder / "socket").exists, 120)
    later = started(tmp_path, ABOUT + "print('torch' in sys.modules, 'polars' in sys.modules)")
    about, loaded = finished(later)[1].splitlines()
    assert json.loads(about)[0] != later.pid and loaded == "True False"


def test_a_run_offers_a_server_and_its_other_snakemakes_do_not(monkeypatch):
    monkeypatch.delenv(warm.VARIABLE, raising=False)
    warm.offer_server()
    assert os.environ[warm.VARIABLE].startswith(f"{os.getpid()}:")
    warm.withdraw_server()
    assert warm.VARIABLE not in os.environ
    monkeypatch.setenv(warm.VARIABLE, warm.OFF)
    warm.offer_server()
    warm.withdraw_server()
    assert os.environ[warm.VARIABLE] == warm.OFF
