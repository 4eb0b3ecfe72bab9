"""Where the numbers come from: versions, commit, machine, times."""

import csv
import os
import platform
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import nodescope
from nodescope.jobs.run_end import WRITTEN

PACKAGES = ("nodescope", "snakemake", "torch", "torchvision", "numpy", "numba", "polars", "pyarrow", "altair",
            "vl-convert-python", "scikit-learn", "pydantic", "safetensors")  # fmt: skip


@dataclass(frozen=True)
class Provenance:
    """Attributes are texts for readers."""

    written: str
    commit: str
    machine: str
    versions: dict[str, str]

    @classmethod
    def now(cls) -> "Provenance":
        """Of this process."""
        return cls(
            written=datetime.now(UTC).strftime(WRITTEN),
            commit=commit_of(Path(nodescope.__file__).parent),
            machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
            versions={name: version(name) for name in PACKAGES},
        )


def commit_of(folder: Path) -> str:
    """The commit of the repository that a folder lies in, and whether its files differ; ``unknown`` outside one."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=20
        ).stdout.strip()

    try:
        return git("rev-parse", "HEAD") + (" with local changes" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def stage_times(folder: Path) -> list[dict[str, Any]]:
    """Per rule: number of jobs, their summed time in seconds and their largest memory in MB.

    From the records of jobs, ``{rule}/{job}.tsv`` (`nodescope.jobs.records`); those of an earlier configuration are counted
    too.
    """
    rows = []
    for rule in sorted(p for p in folder.iterdir() if p.is_dir()) if folder.is_dir() else []:
        measured = []
        for path in rule.glob("*.tsv"):
            with path.open(encoding="utf-8") as stream:
                measured += list(csv.DictReader(stream, delimiter="\t"))
        if measured:
            memory = [float(m["max_rss"]) for m in measured if m["max_rss"] not in ("-", "NA")]
            rows.append(
                {
                    "rule": rule.name,
                    "jobs": len(measured),
                    "time_s": round(sum(float(m["s"]) for m in measured), 1),
                    "memory_mb": round(max(memory)) if memory else None,
                }
            )
    return rows
