"""The page in a browser: how heavy it is, how soon its first figure stands, how soon another configuration."""

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from measure import Measured, Row, cores, side
from whole_runs import run_workflow

REPOSITORY = Path(__file__).resolve().parents[1]
SYNTHETIC = (
    "test_accuracy", "accuracy_curves", "learning_curves", "learning_rates", "distributions", "activation_functions",
    "medians", "activity", "activity_heatmaps", "dead_nodes", "sparsity", "patterns", "layer_accuracy", "kernel_densities",
)  # fmt: skip


def measure_default_report() -> Row:
    """The report of the default study; nothing to compare it with."""
    with tempfile.TemporaryDirectory() as folder:
        side(run_workflow, folder, "--cores", str(cores()), "--quiet", "all", repeat=1)
        page = Path(folder) / "reports" / "index.html"
        found = in_browser(page, "digits")
        size = _megabytes(page.parent)
    mine = Measured(found["first"], size, None)
    return Row(
        "default-report",
        "default report: first figure drawn; MB on disk instead of memory",
        "none",
        "<= 1.5 s, <= 15 MB in all",
        mine,
        mine,
        found["first"] <= 1.5 and size <= 15,
        f"{size:.1f} MB in all",
    )


def measure_dissertation_report() -> Row:
    """The report of the dissertation's grid of 96 configurations, of made-up tables of true size."""
    with tempfile.TemporaryDirectory() as folder:
        page = dissertation_report(Path(folder))
        found = in_browser(page, "mnist-grid", ("sigmoid-8x800-bn", "relu-8x800"))
        size = page.stat().st_size / 1e6
        side = _megabytes(page.parent / "data")
    mine = Measured(found["first"], size, None)
    return Row(
        "dissertation-report",
        "report of 96 configurations, made-up tables: opens; MB of index.html instead of memory",
        "none",
        "opens in <= 3 s, index.html <= 15 MB, switches in <= 0.5 s",
        mine,
        mine,
        found["first"] <= 3 and size <= 15 and found["switch"] <= 0.5,
        f"index.html {size:.1f} MB, side files {side:.0f} MB; two networks of 8x800 pinned instead of two others: "
        f"{found['switch']:.2f} s until their medians are drawn",
    )


def in_browser(page: Path, study: str, pins: tuple[str, ...] = ()) -> dict[str, float]:
    """Seconds until a study's first figure is drawn after its address was opened, and until the figure in view shows other
    networks; shortest of three."""
    from playwright.sync_api import sync_playwright

    found: dict[str, float] = {"first": float("inf"), "switch": float("inf")}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for _ in range(3):
            tab = browser.new_page(viewport={"width": 1440, "height": 900})
            started = time.perf_counter()
            tab.goto(f"{page.as_uri()}#{study}-test-accuracy")
            tab.wait_for_selector(f'.chart[data-figure="{study}/test-accuracy"][data-drawn=yes] canvas')
            found["first"] = min(found["first"], time.perf_counter() - started)
            if pins:
                tab.evaluate("place => { location.hash = place; }", f"{study}-medians")
                drawn = f'.chart[data-figure="{study}/medians"][data-drawn=yes]:not(.stale)'
                tab.wait_for_selector(f"{drawn} canvas")
                tab.wait_for_timeout(2500)  # until what lies around it is drawn too
                started = time.perf_counter()
                place = f"{study}-medians?pins={','.join(f'{study}/{name}' for name in pins)}"
                tab.evaluate("place => { location.hash = place; }", place)
                tab.wait_for_function(
                    """drawn => [...document.querySelectorAll(`${drawn} .node-panel`)]
                      .some((e) => (e.getAttribute("aria-label") ?? "").includes("8x800"))""",
                    arg=drawn,
                )
                found["switch"] = min(found["switch"], time.perf_counter() - started)
            tab.close()
        browser.close()
    return found


def dissertation_report(folder: Path) -> Path:
    """Make the page of the three grids of ``presets/dissertation.yaml``."""
    import yaml

    from nodescope.charts.context import Context
    from nodescope.charts.drawing import draw
    from nodescope.config.loading import parse_config
    from nodescope.report import build
    from nodescope.storage.json_files import write_json
    from nodescope.storage.tables import write_table
    from nodescope.study.axes import Configurations
    from nodescope.study.layout import StudyFiles, description_path

    config = parse_config(yaml.safe_load((REPOSITORY / "presets" / "dissertation.yaml").read_text(encoding="utf-8")))
    studies = [study for study in config.studies if study.name.endswith("-grid")]
    for study in studies:
        files = StudyFiles.of(study.name, folder / "results")
        for name, make in TABLES.items():
            write_table(make(study), files.table(name))
        Configurations.of(study).write(files.configurations)
        write_json(files.settings, study.model_dump(mode="json"))
        description = {
            "source": {"name": study.dataset.name}, "samples": 70_000, "classes": [f"class {c}" for c in range(10)],
            "splits": {"train": {"samples": 55_000}, "validation": {"samples": 5_000}, "test": {"samples": 10_000}},
        }  # fmt: skip
        path = description_path(study.dataset, folder / "results")
        write_json(path, description)
        context = Context.read(files, path, config.charts)
        draw(study.name, list(SYNTHETIC), files, context, folder / "reports" / "data" / study.name, inspector=True)
    page = folder / "reports" / "index.html"
    build(page, "The dissertation's grid", [study.name for study in studies], folder / "results", config.charts)
    return page


def _keys(study: Any, *others: pl.DataFrame) -> pl.DataFrame:
    """Every network of a study, with every combination of further columns."""
    from nodescope.study.axes import Configurations

    frame = Configurations.of(study).frame()
    for other in (pl.DataFrame({"seed": study.seeds}), *others):
        frame = frame.join(other, how="cross", maintain_order="left_right")
    return frame


def _column(name: str, values: Any, dtype: Any = None) -> pl.DataFrame:
    return pl.DataFrame({name: values}, schema={name: dtype} if dtype else None)


def _layers(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(layer=pl.int_ranges(1, pl.col("depth") + 1)).explode("layer").cast({"layer": pl.Int32})


def _random(frame: pl.DataFrame, **columns: Callable[[np.random.Generator, int], Any]) -> pl.DataFrame:
    random = np.random.default_rng(0)
    return frame.with_columns(**{name: pl.Series(make(random, len(frame))) for name, make in columns.items()})


def _share(random: np.random.Generator, size: int) -> Any:
    return random.random(size)


STATES = _column("state", ["initial", "trained"])
SPLITS = _column("split", ["train", "validation", "test"])
TWO_SPLITS = _column("split", ["train", "test"])
RATE = _column("learning_rate", [0.001])
CLASSES = _column("class", range(10), pl.Int32)
KINDS = _column("kind", ["pre", "post"])


def _bells(random: np.random.Generator, size: int) -> pl.Series:
    """Histograms of 5,500 values in 30 bins."""
    bins, some = np.arange(30), 5_000
    shares = np.exp(-(((bins - random.uniform(5, 25, (some, 1))) / random.uniform(1.5, 5, (some, 1))) ** 2) / 2)
    counts = random.multinomial(5_500, shares / shares.sum(axis=1, keepdims=True)).astype(np.uint32)
    return pl.Series(counts).cast(pl.List(pl.UInt32)).gather(random.integers(0, some, size))


def _nodes(study: Any, splits: pl.DataFrame, nodes: pl.Expr, states: pl.DataFrame = STATES) -> pl.DataFrame:
    frame = _layers(_keys(study, states, splits)).with_columns(node=nodes).explode("node").cast({"node": pl.Int32})
    return frame.join(CLASSES, how="cross", maintain_order="left_right")


def _curves(study: Any) -> pl.DataFrame:
    rates = _column("learning_rate", [0.01, 0.001, 0.0001, 0.00316, 0.000316])
    epochs = _column("epoch", range(study.training.epochs + 1), pl.Int32)
    return _random(
        _keys(study, rates, epochs, _column("split", ["train", "validation"])),
        loss=_share,
        accuracy=_share,
        mean_squared_error=_share,
    )


ALL_NODES = pl.int_ranges(0, pl.col("width"))
SOME_NODES = pl.concat_list(pl.lit(0), pl.col("width") // 3, 2 * pl.col("width") // 3)
TABLES: dict[str, Callable[[Any], pl.DataFrame]] = {
    "accuracy": lambda study: _random(
        _keys(study, RATE, _column("best_epoch", [100], pl.Int32), SPLITS), accuracy=_share
    ),
    "replicas": lambda study: _random(
        _keys(study, RATE).with_columns(
            objective=pl.lit("cross_entropy"),
            round=pl.lit(1),
            chosen=pl.lit(True),
            best_epoch=pl.lit(100),
            diverged_epoch=pl.lit(None, pl.Int32),
        ),
        validation_accuracy=_share,
    ),
    "learning_curves": _curves,
    "medians": lambda study: _random(
        _nodes(study, TWO_SPLITS, ALL_NODES), median=lambda random, size: random.gamma(1, 1, size).astype(np.float32)
    ),
    "activity": lambda study: _random(
        _nodes(study, TWO_SPLITS, ALL_NODES), active_share=lambda random, size: random.integers(0, 5501, size) / 5500
    ),
    "distributions": lambda study: _random(
        _nodes(study, SPLITS.head(1), SOME_NODES)
        .join(KINDS, how="cross", maintain_order="left_right")
        .join(_column("bin", range(60)), how="cross", maintain_order="left_right")
        .with_columns(bin_left=pl.col("bin") / 10 - 3, bin_right=pl.col("bin") / 10 - 2.9)
        .drop("bin"),
        count=lambda random, size: random.poisson(90, size),
    ),
    "node_histograms": lambda study: _random(
        _nodes(study, SPLITS.head(1), ALL_NODES, STATES.tail(1)).join(KINDS, how="cross", maintain_order="left_right"),
        low=lambda random, size: random.normal(-3, 1, size),
        high=lambda random, size: random.normal(3, 1, size),
        bandwidth=lambda random, size: np.full(size, 0.2),
        counts=_bells,
    ).with_columns(minimum="low", maximum="high"),
    "densities": lambda study: _random(
        _nodes(study, SPLITS.head(1), SOME_NODES).join(
            _column("z", np.linspace(-3, 3, 120)), how="cross", maintain_order="left_right"
        ),
        density=_share,
    ),
    "dead_nodes": lambda study: _random(
        _layers(_keys(study, STATES, SPLITS)).with_columns(nodes="width", dead=pl.lit(3)), dead_share=_share
    ),
    "sparsity": lambda study: _random(_layers(_keys(study, STATES, SPLITS)), sparsity=_share),
    "sparsity_summary": lambda study: _random(
        _layers(_keys(study, STATES, SPLITS)).filter(pl.col("seed") == 0).drop("seed"),
        mean=_share,
        standard_error=_share,
        seeds=lambda random, size: np.full(size, 3),
    ),
    "patterns": lambda study: _random(
        _layers(_keys(study, STATES, SPLITS)).with_columns(samples=pl.lit(55_000), distinct=pl.lit(50_000)),
        relative_entropy=_share,
    ),
    "layer_accuracy": lambda study: _random(
        _layers(_keys(study, STATES, SPLITS)).join(
            _column("system", ["discrete", "continuous", "combined"]), how="cross", maintain_order="left_right"
        ),
        accuracy=_share,
        network_accuracy=_share,
    ),
}


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
