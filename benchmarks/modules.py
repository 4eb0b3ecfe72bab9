"""Record a network that nodescope did not build: EfficientNet-Lite0, 33 calls of activation functions in 17 modules.

Its weights are random: they change no time. Beside it stand the bare forward passes at the batch size that is best for them,
hooks as one writes them by hand, and other tools. Each tool has a process of its own, in which it and the bare passes
take turns, and CPU seconds count, so that what else the machine does changes little.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rivals
from measure import NOT_MEASURED, ONE_THREAD, Measured, Row

SIZE, CLASSES, SEED = 96, 10, 0
#: Samples that are best for the bare passes, among 4, 16, 24, 32, 48 and 64; the tools get as many.
BATCH = 16
#: Recording may cost this many times the bare passes, and this memory beside them.
TOLERATED, MEGABYTES = 1.15, 300
CALLS = 33
ROUNDS = 3

OURS = "nodescope"


def network_and_images(n: int) -> tuple[Any, Any]:
    """The network in evaluation mode, and images [n, 3, SIZE, SIZE]."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    return EfficientNet.from_name("efficientnet-lite0").eval(), torch.randn(n, 3, SIZE, SIZE)


def by_nodescope(network: Any, x: Any, batch: int, folder: Path) -> tuple[int, Any]:
    """Every call: mean, largest value, mean activation and share that is on, written to Parquet as by the workflow."""
    import numpy as np

    from nodescope.datasets import PreparedDataset
    from nodescope.datasets.splits import Splits
    from nodescope.recording import read, summarising
    from nodescope.recording.recorder import record_network

    summarising.compile_ahead()
    everything, none = np.arange(len(x)), np.arange(0)
    labels = np.sort(everything % CLASSES)
    data = PreparedDataset(x.numpy(), labels, Splits(everything, none, none), [str(c) for c in range(CLASSES)])
    found = record_network(network, data, "made", everything, folder, "summary", inputs=lambda i: (x[i], None))
    return len(found.layers), read(folder / f"layer-{1 + rivals.PLACE}.parquet").a().T


def recorded(tool: str, n: int, rounds: int) -> dict[str, Any]:
    """CPU seconds of a tool and of the bare passes, round by round; its memory beside them, bytes on disk, calls and means."""
    import numpy as np
    import torch

    rivals.find()
    network, x = network_and_images(n)
    record = by_nodescope if tool == OURS else rivals.TOOLS[tool][0]

    @torch.inference_mode()
    def bare() -> None:
        for part in x.split(BATCH):
            network(part)

    with tempfile.TemporaryDirectory() as folder:
        record(network, x[: 2 * BATCH], BATCH, Path(folder))  # imports, compiles
    found: dict[str, Any] = {"seconds": [], "bare": [], "grown": [], "bytes": 0}
    for _ in range(rounds):
        _, passes, passes_grown = _measured(bare)
        with tempfile.TemporaryDirectory() as folder:

            def work(place: Path = Path(folder)) -> tuple[int, Any]:
                return record(network, x, BATCH, place)

            (found["calls"], means), seconds, grown = _measured(work)
            found["bytes"] = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        found["seconds"].append(seconds)
        found["bare"].append(passes)
        found["grown"].append(grown - passes_grown)
    return found | {"shape": means.shape, "means": np.asarray(means, np.float64).mean(0).tolist()}


def _measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What the work gives, its CPU seconds and by how many MB the process grew while it ran."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the largest size
    before, started = _status_mb("VmRSS"), time.process_time()
    found = work()
    return found, time.process_time() - started, _status_mb("VmHWM") - before


def _status_mb(name: str) -> float:
    """A size of this process from Linux's table: ``VmRSS`` now, ``VmHWM`` the largest since it was last reset."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def in_process(tool: str, n: int, rounds: int) -> tuple[dict[str, Any] | None, str]:
    """What `recorded` gives in a new process, as torchlens refuses those of multiprocessing; or why there is nothing."""
    command = [sys.executable, __file__, tool, str(n), str(rounds)]
    done = subprocess.run(command, env=os.environ | ONE_THREAD, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return json.loads(done.stdout.splitlines()[-1]), ""
    last = (done.stderr.strip().splitlines() or ["no message"])[-1]
    if tool in (OURS, "hooks") or not last.startswith("ModuleNotFoundError"):
        raise RuntimeError(f"{tool} failed: {done.stderr}")
    return None, f"not measured: {last.partition(': ')[2]}; `make rivals` installs it"


def compare_modules(n: int, rounds: int = ROUNDS) -> list[Row]:
    """Recording beside the bare passes, hooks by hand and the tools that are installed."""
    import numpy as np

    ours, _ = in_process(OURS, n, rounds)
    assert ours is not None
    assert ours["calls"] == CALLS
    ratio, mine, passes = _ratio(ours)
    what = f"recording EfficientNet-Lite0, {n:,} images of {SIZE}x{SIZE}, mean and largest value of every channel"
    about = (
        f"{CALLS} layers, {ours['bytes'] / 1e6:.0f} MB on disk; grows by {max(ours['grown']):.0f} MB more (CPU seconds)"
    )
    reached = ratio <= TOLERATED and max(ours["grown"]) <= MEGABYTES
    aim = f"at most {TOLERATED}x their time and {MEGABYTES} MB beside them"
    rows = [
        Row(
            "lite0-bare",
            what,
            "the bare forward passes",
            aim,
            mine,
            passes,
            reached,
            f"{ratio:.2f}x their time; {about}",
        )
    ]
    for tool, (_, name) in rivals.TOOLS.items():
        found, missing = in_process(tool, n, rounds)
        if found is None:
            rows.append(Row(f"lite0-{tool}", what, name, "", mine, NOT_MEASURED, None, missing))
            continue
        assert found["shape"] == ours["shape"]
        np.testing.assert_allclose(found["means"], ours["means"], rtol=1e-4, atol=1e-6)
        its_ratio, _, _ = _ratio(found)
        # Both sides as multiples of the passes in their own process, which differ by what else the machine does.
        theirs = Measured(its_ratio * passes.seconds, max(found["grown"]), None)
        rows.append(
            Row(f"lite0-{tool}", what, name, "", mine, theirs, None,
                f"{its_ratio:.2f}x the bare passes, {found['calls']} of the {CALLS} calls, {found['bytes'] / 1e6:.0f} MB on disk, "
                f"grows by {max(found['grown']):.0f} MB")
        )  # fmt: skip
    return rows


def _ratio(found: dict[str, Any]) -> tuple[float, Measured, Measured]:
    """How many times the bare passes a tool takes, by the median of the rounds; both."""
    pairs = list(zip(found["seconds"], found["bare"], strict=True))
    ratio = statistics.median(own / bare for own, bare in pairs)
    bare = statistics.median(found["bare"])
    return ratio, Measured(ratio * bare, max(found["grown"]), None), Measured(bare, 0.0, None)


if __name__ == "__main__":
    print(json.dumps(recorded(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
