"""One process per test run that has the large libraries loaded, and runs Snakemake and its jobs in children of itself.

It is the server of `nodescope.jobs.warm`, but for two things. It has nothing of nodescope loaded, and takes the sources of
whatever project a job belongs to: projects have sources of their own, which tests edit. And it serves a whole test run
instead of one Snakemake.
"""

import fcntl
import json
import os
import runpy
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nodescope.jobs import warm

#: The process that the server serves, and its folder; as in `nodescope.jobs.warm`.
VARIABLE = "NODESCOPE_TESTS_WARM"
LOADED = (
    *(name for name in warm.LOADED if not name.startswith("nodescope")),
    "snakemake.cli",
    "pydantic",
    "numba.core.caching",
)


def offer() -> None:
    """Let this test run and its workers share a server, which starts when it is first asked."""
    if sys.platform == "linux" and VARIABLE not in os.environ:
        folder = Path(tempfile.gettempdir()) / f"nodescope-{secrets.token_hex(8)}"
        os.environ[VARIABLE] = f"{os.getpid()}:{folder}"


def run_snakemake(arguments, folder: Path, environment, timeout: float) -> subprocess.CompletedProcess[str]:
    """As ``subprocess.run`` of ``python -m snakemake``, in a child of the server."""
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as connection,
    ):
        connection.settimeout(timeout)
        connection.connect(str(_ready() / "socket"))
        given = {"arguments": list(arguments), "folder": str(folder), "environment": dict(environment)}
        socket.send_fds(connection, [json.dumps(given).encode()], [out.fileno(), err.fileno()])
        assert connection.recv(100) == b"taken"
        status = connection.recv(100)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", errors="replace"))
    return subprocess.CompletedProcess(arguments, int(status), *texts)


def _ready() -> Path:
    """The folder of the server, which is started where no process of the test run has done so."""
    served, _, name = os.environ[VARIABLE].partition(":")
    folder = Path(name)
    with Path(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            folder.mkdir(mode=0o700)
            # As Snakemake starts jobs; and apart from the worker that happens to be first, since others go on with it.
            threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
            subprocess.run(
                ["setsid", "--fork", sys.executable, __file__, name, served], env=os.environ | threads, check=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + 300
        while not (folder / "socket").exists():
            assert time.monotonic() < deadline, "the server of the tests does not start"
            time.sleep(0.05)
    return folder


#: What pages embed, of Vega; it takes seconds to make, and a process that has made it once cannot be forked.
MAKE_BUNDLE = "import sys, vl_convert; sys.stdout.write(vl_convert.javascript_bundle())"


class _Server(warm._Server):
    def __init__(self, folder: Path, served: int) -> None:
        import vl_convert

        made = subprocess.run([sys.executable, "-c", MAKE_BUNDLE], stdout=subprocess.PIPE, check=True, encoding="utf-8")
        vl_convert.javascript_bundle = lambda: made.stdout
        super().__init__(folder, served)
        self._named = f"{served}:{folder}"
        own = {str(Path(__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)}
        self._libraries = [path for path in sys.path if path not in own]

    def _fits(self, given: dict[str, Any]) -> bool:
        settings = given.get("settings")
        return settings is None or settings | {"PYTHONPATH": None} == self._settings | {"PYTHONPATH": None}

    def _execute(self, given: dict[str, Any]) -> None:
        for name in [name for name in sys.modules if name.partition(".")[0] == "nodescope"]:
            del sys.modules[name]
        sources = [path for path in given["environment"].get("PYTHONPATH", "").split(os.pathsep) if path]
        sys.path[:] = [*sources, *self._libraries]
        if "script" in given:
            super()._execute(given)
            return
        sys.path.insert(0, given["folder"])
        sys.argv = ["snakemake", *given["arguments"]]
        self._share()
        # What a program finds that was started by another.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        runpy.run_module("snakemake", run_name="__main__", alter_sys=True)

    def _share(self) -> None:
        """Let the jobs of this Snakemake run in the server, too, unless they are to run by themselves."""
        from nodescope.jobs import warm as of_project

        def offer_server() -> None:
            if os.environ.get(of_project.VARIABLE) != of_project.OFF:
                os.environ[of_project.VARIABLE] = self._named

        of_project.offer_server = offer_server


if __name__ == "__main__":
    warm.LOADED = LOADED
    try:
        warm.main(sys.argv[1], sys.argv[2], _Server)
    finally:
        Path(f"{sys.argv[1]}.lock").unlink()
