"""Measure nodescope beside what a user would run instead, and write the table of docs/performance.md.

    make bench              quick: some minutes
    make bench SIZE=full    the sizes that the reaches are stated for

Each side runs in a process of its own, on the same data, one after the other; that both give the same is asserted
before a time counts.
"""

import argparse
import datetime
import json
import math
import os
import platform
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

import ablation
import following
import layers
import local_gradients
import modules
import numpy as np
import pattern_evolution
import propagation
import reports
import similarity
import training
import whole_runs
from measure import Measured, Row, cores

REPOSITORY = Path(__file__).resolve().parents[1]
PAGE = REPOSITORY / "docs" / "performance.md"
RECORDED = Path(__file__).with_name("recorded.json")
BEGIN, END = "<!-- measured: begin -->", "<!-- measured: end -->"

#: A ratio below this share of the recorded one is a regression.
TOLERATED = 0.5

Group = Callable[[str], list[Row]]

GROUPS: dict[str, dict[str, Group]] = {
    "quick": {
        "training": lambda root: training.compare(root, 200, 2, 8, threads_too=False),
        "narrow": lambda root: training.compare(root, 50, 6, 15, threads_too=False),
        "kde": lambda root: layers.compare_kernel_densities(1, 5_000),
        "analyses": lambda root: layers.compare_analyses(200, 20_000),
        "patterns": lambda root: [layers.compare_patterns(200, 60_000)],
        "ablation": lambda root: [*ablation.compare_ablation(2, 200, 1_000), *ablation.compare_ablation(4, 200, 1_000)],
        "cka": lambda root: [similarity.compare_cka(8, 3, 100, 500)],
        "evolution": lambda root: pattern_evolution.compare_evolution(pattern_evolution.MLP),
        "following": lambda root: following.compare_following("mnist", "mlp"),
        "recording": lambda root: [layers.compare_recording(800, 10_000)],
        "modules": lambda root: modules.compare_modules(200),
        "propagation": lambda root: [propagation.compare_propagation(21, 200, 1_000)],
        "local-gradients": lambda root: local_gradients.compare_local_gradients(16),
        "dry-run": lambda root: [whole_runs.measure_dry_run()],
    },
    "full": {
        "training": lambda root: training.compare(root, 200, 9, 8, threads_too=True),
        "width-20": lambda root: training.compare(root, 20, 9, 15, threads_too=False),
        "width-50": lambda root: training.compare(root, 50, 9, 15, threads_too=True),
        "width-100": lambda root: training.compare(root, 100, 9, 15, threads_too=False),
        "kde": lambda root: layers.compare_kernel_densities(4, 20_000),
        "analyses": lambda root: layers.compare_analyses(200, 55_000),
        "patterns": lambda root: [layers.compare_patterns(200, 60_000)],
        "ablation": lambda root: [
            *ablation.compare_ablation(2, 200, 10_000),
            *ablation.compare_ablation(4, 200, 10_000),
        ],
        "cka": lambda root: [similarity.compare_cka(24, 4, 200, 2_000)],
        "evolution": lambda root: pattern_evolution.compare_evolution(pattern_evolution.MLP, pattern_evolution.RESNET),
        "following": lambda root: following.compare_following("mnist", "mlp"),
        "recording": lambda root: [layers.compare_recording(800, 60_000)],
        "modules": lambda root: modules.compare_modules(1_000),
        "propagation": lambda root: [propagation.compare_propagation(21, 500, 2_000)],
        "default-run": lambda root: [whole_runs.compare_default_run()],
        "local-gradients": lambda root: local_gradients.compare_local_gradients(16),
        "dry-run": lambda root: [whole_runs.measure_dry_run()],
        "default-report": lambda root: [reports.measure_default_report()],
        "dissertation-report": lambda root: [reports.measure_dissertation_report()],
    },
}


def main() -> int:
    """Measure, and write or check."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=GROUPS, default="quick")
    parser.add_argument(
        "--data-root", default="data", help="where torchvision's MNIST lies; without it, one is made up"
    )
    parser.add_argument("--only", nargs="+", metavar="GROUP", help="of: " + ", ".join(GROUPS["full"]))
    parser.add_argument("--check", action="store_true", help="fail if a ratio fell below half of the recorded one")
    arguments = parser.parse_args()
    groups = GROUPS[arguments.size]
    unknown = set(arguments.only or ()) - set(groups)
    if unknown:
        parser.error(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(groups)}")
    wanted = {name: group for name, group in groups.items() if not arguments.only or name in arguments.only}
    with tempfile.TemporaryDirectory() as folder:
        root, data = _mnist_root(arguments.data_root, folder)
        rows = list(_measured(wanted, root))
    if arguments.check:
        return check(rows, json.loads(RECORDED.read_text(encoding="utf-8"))[arguments.size])
    _record(rows, arguments.size, data, whole=not arguments.only)
    return 0


def _measured(groups: dict[str, Group], root: str) -> Iterator[Row]:
    for group in groups.values():
        for row in group(root):
            print(
                f"{row.name}: {_ratio(row)} ({row.ours.seconds:.3g} s, {row.theirs.seconds:.3g} s) {row.remark}",
                flush=True,
            )
            yield row


def check(rows: list[Row], recorded: dict[str, float]) -> int:
    """1 where a ratio fell below `TOLERATED` of the recorded one, else 0."""
    slow = [row for row in rows if row.name in recorded and row.ratio < TOLERATED * recorded[row.name]]
    for row in slow:
        print(
            f"{row.name}: {row.ratio:.3g}x is less than half of the recorded {recorded[row.name]:.3g}x", file=sys.stderr
        )
    return 1 if slow else 0


def _record(rows: list[Row], size: str, data: str, *, whole: bool) -> None:
    recorded = json.loads(RECORDED.read_text(encoding="utf-8")) if RECORDED.is_file() else {}
    found = {row.name: float(f"{row.ratio:.3g}") for row in rows if not math.isnan(row.ratio)}
    recorded[size] = found if whole else recorded.get(size, {}) | found
    RECORDED.write_text(json.dumps(recorded, indent=2) + "\n", encoding="utf-8")
    if size == "full" and whole:
        page = PAGE.read_text(encoding="utf-8")
        before, _, rest = page.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{_table(rows, data)}\n{END}{after}", encoding="utf-8")


def _ratio(row: Row) -> str:
    if row.rival == "none" or math.isnan(row.ratio):
        return "-"
    return f"{row.ratio:.0f}x" if row.ratio >= 20 else f"{row.ratio:.2g}x"


def _table(rows: list[Row], data: str) -> str:
    commit = subprocess.run(
        ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    packages = ", ".join(
        f"{name} {version(name)}" for name in ("torch", "numpy", "polars", "scikit-learn", "snakemake")
    )
    lines = [
        f"Measured {datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d} at commit {commit} by `make bench SIZE=full`, "
        f"data: {data}.",
        f"Machine: {_processor()}, {cores()} cores, {_memory_gb():.0f} GB; Python {platform.python_version()}, {packages}.",
        "",
        "| ratio | what | rival, same work | ours | rival's | peak memory, ours / rival's | aim | reached | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        verdict = {True: "yes", False: "**no**", None: ""}[row.reached]
        lines.append(
            f"| {_ratio(row)} | {row.what} | {row.rival} | {_time(row.ours.seconds)} | "
            f"{'' if row.rival == 'none' else _time(row.theirs.seconds)} | "
            f"{row.ours.peak_mb:.0f} / {_megabytes(row.theirs)} MB | {row.reach} | {verdict} | {row.remark} |"
        )
    return "\n".join(lines)


def _time(seconds: float) -> str:
    if math.isnan(seconds):
        return "-"
    return f"{seconds:.3g} s" if seconds >= 1 else f"{1000 * seconds:.3g} ms"


def _megabytes(side: Measured) -> str:
    return "-" if math.isnan(side.peak_mb) else f"{side.peak_mb:.0f}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _memory_gb() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _mnist_root(root: str, folder: str) -> tuple[str, str]:
    """Where torchvision finds MNIST, and what it is."""
    if (Path(root) / "MNIST" / "raw" / "train-images-idx3-ubyte").is_file():
        return root, "MNIST"
    random = np.random.default_rng(0)
    raw = Path(folder) / "MNIST" / "raw"
    raw.mkdir(parents=True)
    prototypes = random.integers(0, 200, (10, 28, 28))
    for part, n in (("train", 60_000), ("t10k", 10_000)):
        labels = (np.arange(n) % 10).astype(np.uint8)
        images = (prototypes[labels] + random.integers(0, 56, (n, 28, 28))).astype(np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">4i", 2051, n, 28, 28) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, n) + labels.tobytes())
    return folder, "made up, of MNIST's size"


if __name__ == "__main__":
    sys.exit(main())
