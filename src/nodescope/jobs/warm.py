"""Start jobs from a process that has the large libraries loaded: loading them takes longer than most jobs.

The first job of a run starts a server in the background, which loads PyTorch, numba, SciPy, scikit-learn and altair once. A
job that comes later hands its script to the server, which forks: the child runs the script as if it had been started by
itself, with the job's own working folder, environment, output and signals, and the job waits for it. Jobs that come before
the server is ready run by themselves.

The server belongs to one Snakemake process and ends with it. It holds no data, so that a job computes the same either way.
It is used on Linux, by jobs on the machine of the Snakemake that the user started: not on a cluster, whose scheduler would
not see what a job takes. ``NODESCOPE_WARM=off`` switches it off.

polars is not loaded beforehand, since its threads would not live on in a fork.
"""

import atexit
import ctypes
import gc
import json
import os
import runpy
import secrets
import selectors
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import traceback
import warnings
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

#: By which jobs find the server of their run: the process that it serves, and its folder.
VARIABLE = "NODESCOPE_WARM"
OFF = "off"
#: Set in a job that the server runs.
INSIDE = "NODESCOPE_WARM_JOB"

#: What most jobs load.
LOADED = (
    "torch",
    "scipy.stats",
    "sklearn.linear_model",
    "numba",
    "altair",
    "PIL.Image",
    "snakemake.script",
    "nodescope.config.root",
    "nodescope.numerics.kernel_density",
)
#: Settings that libraries read while they are loaded: a job with other ones runs by itself.
READ_WHILE_LOADING = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "PYTHONPATH", "PYTHONHASHSEED", "NUMBA_CACHE_DIR")

LARGEST_MESSAGE = 1 << 20
#: Of a socket, in bytes.
LONGEST_NAME = 100
IN_CONTAINERS = frozenset({"APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"})
STOP = b"stop"


def offer_server() -> None:
    """Let the jobs of this Snakemake process share a server; it starts with the first of them."""
    if os.environ.get(VARIABLE) != OFF and _is_possible():
        # The name is drawn, so that nobody else has made the folder when the first job does.
        folder = Path(tempfile.gettempdir()) / f"nodescope-{secrets.token_hex(8)}"
        if len(os.fsencode(folder / "loading")) <= LONGEST_NAME:
            os.environ[VARIABLE] = f"{os.getpid()}:{folder}"


def _is_possible() -> bool:
    """Whether the system can say when a process ends, and jobs see each other's files: not so in containers of their own."""
    if sys.platform != "linux" or not IN_CONTAINERS.isdisjoint(os.environ):
        return False
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def withdraw_server() -> None:
    """Let the jobs of this process, which another Snakemake may have started on a cluster, run by themselves."""
    if os.environ.get(VARIABLE) != OFF:
        os.environ.pop(VARIABLE, None)


def run_in_server() -> int | None:
    """Let the server run the script of this process.

    Returns
    -------
    int or None
        The exit status, negative the number of a signal; None where no server is ready, and the script has to run here.
    """
    served, _, folder = os.environ.get(VARIABLE, "").partition(":")
    if not folder or INSIDE in os.environ:
        return None
    if not _is_possible():
        return None
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection:
        try:
            _check_ours(Path(folder))
            connection.connect(str(Path(folder) / "socket"))
        except OSError:
            _start(Path(folder), served)
            return None
        return _handed_over(connection)


def _check_ours(folder: Path) -> None:
    """Nobody else may listen there: what is sent holds the environment.

    Raises
    ------
    OSError
        If the folder is not there, or not this user's alone.
    """
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise PermissionError(str(folder))


def _start(folder: Path, served: str) -> None:
    """Start the server, unless another job did."""
    with suppress(OSError):
        folder.mkdir(mode=0o700)
        subprocess.Popen(
            [sys.executable, "-P", "-m", "nodescope.jobs.warm", str(folder), served],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip


def _handed_over(connection: socket.socket) -> int | None:
    """The exit status of the script, run by the server; None where it cannot be handed over."""
    job = {
        "script": str(Path(sys.argv[0]).absolute()),
        "folder": str(Path.cwd()),
        "environment": dict(os.environ),
        "settings": _settings(),
    }
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    try:
        socket.send_fds(connection, [json.dumps(job).encode()], [1, 2])
        is_taken = connection.recv(LARGEST_MESSAGE)
    except OSError:
        return None
    if not is_taken:
        return None
    # Ctrl-C reaches the child by itself: it belongs to the same group of processes.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda *_: _send(connection, STOP))
    try:
        status = connection.recv(LARGEST_MESSAGE)
    except OSError:
        status = b""
    if not status:
        print("The process that the job ran in has ended unexpectedly.", file=sys.stderr)
    return int(status) if status else 1


def _send(connection: socket.socket, message: bytes) -> None:
    with suppress(OSError):  # of one whose other end is gone
        connection.send(message)


def _settings() -> dict[str, str | None]:
    return {"python": sys.executable} | {name: os.environ.get(name) for name in READ_WHILE_LOADING}


@dataclass
class _Job:
    """A child of the server, and the job that waits for it; its connection is None when that job is gone."""

    pid: int
    ended: int
    connection: socket.socket | None


class _Server:
    """Forks for each job that is handed over, until the Snakemake process that it serves has ended and all children have."""

    def __init__(self, folder: Path, served: int) -> None:
        self._folder = folder
        self._served = os.pidfd_open(served)
        self._settings = _settings()
        self._jobs: dict[int, _Job] = {}
        self._selector = selectors.DefaultSelector()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The socket gets its name when all is loaded: until then, jobs run by themselves.
        self._listener.bind(str(folder / "loading"))
        self._listener.listen(64)
        (folder / "loading").rename(folder / "socket")

    def serve(self) -> None:
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._served, selectors.EVENT_READ)
        is_wanted = True
        while is_wanted or self._jobs:
            for key, _ in self._selector.select():
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj == self._served:
                    self._selector.unregister(self._served)
                    is_wanted = False
                    for job in self._jobs.values():
                        _signal(job.pid, signal.SIGTERM)
                elif isinstance(key.fileobj, socket.socket):
                    self._hear(key.fileobj)
                else:
                    self._end(int(key.fd))

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        streams: list[int] = []
        try:
            message, streams, _, _ = socket.recv_fds(connection, LARGEST_MESSAGE, 2)
            given = json.loads(message) if len(streams) == 2 else None
            if given is None or not self._fits(given):
                connection.close()
            else:
                self._fork(given, streams, connection)
        except (OSError, ValueError, AttributeError):  # of one job, which then runs by itself: the others go on
            connection.close()
        finally:
            for stream in streams:
                os.close(stream)

    def _fits(self, given: dict[str, Any]) -> bool:
        """Whether a job would have loaded what the server has."""
        return bool(given.get("settings") == self._settings)

    def _fork(self, given: dict[str, Any], streams: list[int], connection: socket.socket) -> None:
        """Start a job."""
        ready, go = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(go)
            if os.read(ready, 1):
                os.close(ready)
                self._run(given, streams, connection)
            os._exit(1)
        os.close(ready)
        try:
            job = _Job(pid, os.pidfd_open(pid), connection)
            connection.send(b"taken")
            os.write(go, b"1")
        except OSError:
            os.close(go)  # the child ends: nobody waits for it
            os.waitpid(pid, 0)
            raise
        os.close(go)
        self._jobs[job.ended] = job
        self._selector.register(job.ended, selectors.EVENT_READ)
        self._selector.register(connection, selectors.EVENT_READ)

    def _hear(self, connection: socket.socket) -> None:
        """The job that waits asks its child to stop, or was killed, as its child is then."""
        job = next((job for job in self._jobs.values() if job.connection is connection), None)
        if job is None:  # its child has just ended
            return
        try:
            asked = connection.recv(LARGEST_MESSAGE) == STOP
        except OSError:
            asked = False
        _signal(job.pid, signal.SIGTERM if asked else signal.SIGKILL)
        if not asked:
            self._forget(job)

    def _end(self, ended: int) -> None:
        """A child has ended."""
        job = self._jobs.pop(ended)
        self._selector.unregister(ended)
        os.close(ended)
        _, status = os.waitpid(job.pid, 0)
        if job.connection is not None:
            with suppress(OSError):
                job.connection.send(str(os.waitstatus_to_exitcode(status)).encode())
            self._forget(job)

    def _forget(self, job: _Job) -> None:
        assert job.connection is not None
        self._selector.unregister(job.connection)
        job.connection.close()
        job.connection = None

    def _run(self, given: dict[str, Any], streams: list[int], connection: socket.socket) -> NoReturn:
        """In the child: become the job, and run its script."""
        status = 1
        try:
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: no child outlives the server
            for number, stream in enumerate(streams, start=1):
                os.dup2(stream, number)
                os.close(stream)
            self._selector.close()
            self._listener.close()
            connection.close()
            os.close(self._served)
            for job in self._jobs.values():
                os.close(job.ended)
                if job.connection is not None:
                    job.connection.close()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            numpy = sys.modules.get("numpy")
            if numpy is not None:  # as it is where it has just been loaded
                numpy.random.seed()
            os.chdir(given["folder"])
            os.environ.clear()
            os.environ.update(given["environment"])
            self._execute(given)
            status = 0
        except SystemExit as error:
            status = _status_of(error)
        except BaseException:
            traceback.print_exc()
        finally:
            with suppress(BaseException):
                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(status)

    def _execute(self, given: dict[str, Any]) -> None:
        """In the child: run the script."""
        os.environ[INSIDE] = "1"
        script = given["script"]
        sys.argv = [script]
        sys.path.insert(0, str(Path(script).parent))
        runpy.run_path(script, run_name="__main__")


def _status_of(error: SystemExit) -> int:
    """As Python gives it."""
    if error.code is None or isinstance(error.code, int):
        return error.code or 0
    print(error.code, file=sys.stderr)
    return 1


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def main(folder: str, served: str, server: type[_Server] = _Server) -> None:
    """Load the libraries, and serve."""
    # Of requests to stop, each job has its own; the server ends when its Snakemake and they have.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LOADED:
            import_module(name)
    gc.collect()
    gc.freeze()  # so that collections in children do not copy what they share
    # Where it cannot serve, the folder stays, so that no other job tries.
    serving = server(Path(folder), int(served))
    try:
        serving.serve()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
