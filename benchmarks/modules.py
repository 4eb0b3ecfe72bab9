"""Record a network that nodescope did not build: EfficientNet-Lite0, 33 calls of activation functions in 17 modules.

Its weights are random: they change no time. Beside it stand the bare forward passes at the batch size that is best for them,
and hooks as one writes them by hand.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from measure import Row, side

SIZE, CLASSES, SEED = 96, 10, 0
#: Samples that are best for the bare passes, and are taken for the hooks, among 16, 24, 32 and 48.
BATCH = 16
#: Recording may cost this many times the bare passes.
TOLERATED = 1.15


def network_and_images(n: int) -> tuple[Any, Any]:
    """The network in evaluation mode, and images [n, 3, SIZE, SIZE]."""
    import torch
    from efficientnet_lite_pytorch import EfficientNet

    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    return EfficientNet.from_name("efficientnet-lite0").eval(), torch.randn(n, 3, SIZE, SIZE)


def _status_mb(name: str) -> float:
    """A size of this process from Linux's table: ``VmRSS`` now, ``VmHWM`` the largest since it was last reset."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return float(next(line for line in lines if line.startswith(name)).split()[1]) / 1024


def _growing(work: Callable[[], Any], grown: list[float]) -> Callable[[], Any]:
    """The work, and by how many MB the process grew while it ran."""

    def measured() -> Any:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # resets the largest size
        before = _status_mb("VmRSS")
        found = work()
        grown.append(_status_mb("VmHWM") - before)
        return found

    return measured


def bare(n: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """The forward passes alone."""
    import torch

    network, x = network_and_images(n)

    @torch.inference_mode()
    def passes() -> None:
        for begin in range(0, n, BATCH):
            network(x[begin : begin + BATCH])

    grown: list[float] = []
    return _growing(passes, grown), lambda _: {"grown": max(grown)}


def recorded(n: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """nodescope: every call, mean and largest value over the positions, written to Parquet."""
    import numpy as np

    from nodescope.datasets import PreparedDataset
    from nodescope.datasets.splits import Splits
    from nodescope.recording import read, summarising
    from nodescope.recording.recorder import record_network

    network, x = network_and_images(n)
    summarising.compile_ahead()
    everything, none = np.arange(n), np.arange(0)
    labels = np.sort(everything % CLASSES)
    data = PreparedDataset(x.numpy(), labels, Splits(everything, none, none), [str(c) for c in range(CLASSES)])
    folder = tempfile.TemporaryDirectory()

    def work() -> Any:
        return record_network(network, data, "made", everything, folder.name, "summary", inputs=lambda i: (x[i], None))

    def summary(found: Any) -> dict[str, Any]:
        files = list(Path(folder.name).glob("*.parquet"))
        first = read(Path(folder.name) / "layer-1.parquet")
        return {
            "layers": len(found.layers),
            "bytes": sum(path.stat().st_size for path in files),
            "mean": first.a().mean(dtype=np.float64),
            "largest": float(first.largest().max()),
            "grown": max(grown),
        }

    grown: list[float] = []
    return _growing(work, grown), summary


def hooked(n: int) -> tuple[Callable[[], Any], Callable[[Any], Any]]:
    """Hooks on the modules, kept by name and written to one file: of a module that is called twice, the last call."""
    import numpy as np
    import torch

    network, x = network_and_images(n)
    folder = tempfile.TemporaryDirectory()
    seen: dict[str, Any] = {}

    def see(name: str) -> Any:
        def hook(module: Any, inputs: Any, output: Any) -> None:
            seen[name] = torch.stack([output.mean((2, 3)), output.amax((2, 3))])

        return hook

    for name, module in network.named_modules():
        if isinstance(module, torch.nn.ReLU6):
            module.register_forward_hook(see(name))

    @torch.inference_mode()
    def work() -> int:
        kept: dict[str, list[Any]] = {}
        for begin in range(0, n, BATCH):
            network(x[begin : begin + BATCH])
            for name, values in seen.items():
                kept.setdefault(name, []).append(values.numpy())
        np.savez(Path(folder.name) / "all.npz", **{name: np.concatenate(parts, 1) for name, parts in kept.items()})
        return len(kept)

    return work, lambda layers: {"layers": layers, "bytes": (Path(folder.name) / "all.npz").stat().st_size}


def compare_modules(n: int) -> list[Row]:
    """Recording beside the bare passes, and beside hooks."""
    ours, passes, hooks = (side(work, n) for work in (recorded, bare, hooked))
    found, by_hand = ours.result, hooks.result
    assert found["layers"] == 33  # as many calls as there are
    seconds = ours.seconds / passes.seconds
    what = f"recording EfficientNet-Lite0, {n:,} images of {SIZE}x{SIZE}, mean and largest value of every channel"
    beside = found["grown"] - passes.result["grown"]
    about = f"{found['layers']} layers, {found['bytes'] / 1e6:.0f} MB on disk; grows by {beside:.0f} MB more"
    return [
        Row("lite0-bare", what, "the bare forward passes", f"at most {TOLERATED}x their time and 300 MB beside them", ours, passes,
            seconds <= TOLERATED and beside <= 300, f"{seconds:.2f}x their time; {about}"),
        Row("lite0-hooks", what, "hooks by hand, one per module", "", ours, hooks, None,
            f"the hooks see {by_hand['layers']} of the 33 calls, {by_hand['bytes'] / 1e6:.0f} MB"),
    ]  # fmt: skip
