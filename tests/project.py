"""A copy of the repository with a configuration of its own, on which tests run Snakemake as a user does."""

import os
import re
import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import warm_server
import yaml
from conftest import REPOSITORY

from nodescope.analyses import registered


def without_analyses(*, but):
    """The section ``analyses`` of a configuration with all but a few switched off: each takes time."""
    return {name: {"enabled": False} for name in registered() if name not in but}


class Project:
    """A project folder.

    Parameters
    ----------
    path
        Where to make it.
    config
        Its configuration.
    """

    def __init__(self, path: Path, config: dict) -> None:
        self.path = path
        self.config = config
        # With what Python and numba have compiled, but for files in the making.
        ignored = shutil.ignore_patterns("*.egg-info", "*.pyc.*", "*.tmp.*")
        for folder in ("src", "workflow"):
            shutil.copytree(REPOSITORY / folder, path / folder, ignore=ignored)
        self.configure(config)

    def configure(self, config):
        (self.path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")

    @contextmanager
    def changed(self, config):
        """Another configuration for a while."""
        self.configure(config)
        try:
            yield
        finally:
            self.configure(self.config)

    def environment(self):
        return os.environ | {"PYTHONPATH": str(self.path / "src")}

    def command(self, *arguments):
        return [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]

    def snakemake(self, *arguments, expect=0, env=None):
        """Run Snakemake to its end; what it said.

        In an environment of its own it is started as a user does; otherwise in a child of a process that has it loaded,
        and so are its jobs (`warm_server`).
        """
        command, timeout = self.command(*arguments), 600
        if env is None and warm_server.VARIABLE in os.environ:
            _, _, _, *given = command
            done = warm_server.run_snakemake(given, self.path, self.environment(), timeout)
        else:
            done = subprocess.run(
                command, cwd=self.path, env=env or self.environment(), timeout=timeout,
                capture_output=True, encoding="utf-8", errors="replace",
            )  # fmt: skip
        output = done.stdout + done.stderr
        assert done.returncode == expect, output[-6000:]
        return output

    def start(self, *arguments, log=os.devnull):
        """Start Snakemake, and with it a group of processes of its own."""
        with Path(log).open("ab") as stream:
            return subprocess.Popen(
                self.command(*arguments), cwd=self.path, env=self.environment(), stdout=stream, stderr=stream,
                start_new_session=True,
            )  # fmt: skip

    def jobs(self, *arguments):
        """Which rules would run how often."""
        output = self.snakemake("--dry-run", *arguments)
        if "Nothing to be done" in output:
            return {}
        table = output[output.index("Job stats:") :].splitlines()[3:]
        rows = (re.fullmatch(r"(\w+)\s+(\d+)", line) for line in table)
        found = {}
        for row in rows:
            if row is None or row[1] == "total":
                break
            found[row[1]] = int(row[2])
        return found

    def table(self, name):
        return pl.read_parquet(self.path / "results" / "flowers" / "tables" / f"{name}.parquet")

    def numbers(self):
        """Every file of results that holds numbers, by its path: data, networks, recordings, tables."""
        results = self.path / "results"
        kinds = (".npz", ".safetensors", ".parquet", ".csv", ".json")
        return {
            path.relative_to(results).as_posix(): path.read_bytes()
            for path in sorted(results.rglob("*"))
            if path.suffix in kinds
            and path.stem != "resources"  # times
            and ".partial" not in path.suffixes  # left by a killed job; nothing reads it
            and not {"charts", "benchmarks", ".progress", ".look"} & set(path.parts)
        }


def assert_same_numbers(found: dict[str, bytes], expected: dict[str, bytes]) -> None:
    """Two runs gave the same, bit for bit."""
    assert found.keys() == expected.keys()
    different = [path for path, content in expected.items() if found[path] != content]
    assert not different, different


def kill_group(process: subprocess.Popen, how: int = signal.SIGKILL) -> None:
    """Kill Snakemake and whatever runs in its group."""
    os.killpg(process.pid, how)
    process.wait()
