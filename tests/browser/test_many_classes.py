"""The report of a study of a hundred classes: no two look alike, and nothing is cut or wider than the page."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from browsing import drawn, needs_chromium, open_browser, visit
from conftest import tables_of
from playwright.sync_api import expect
from test_report import BEYOND_THE_PAGE, shown

from nodescope.charts.context import Context
from nodescope.charts.drawing import draw
from nodescope.charts.registry import charts_of
from nodescope.config.charts import Charts
from nodescope.config.loading import parse_config
from nodescope.datasets import PreparedDataset
from nodescope.datasets.splits import Splits
from nodescope.report import build
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import write_table
from nodescope.study.axes import Configurations
from nodescope.study.layout import StudyFiles, description_path

pytestmark = needs_chromium

CLASSES = [f"kind of bird no. {c}" for c in range(100)]
WARNINGS = ["12 of 600 samples are equal to another <one>.", "Feature 3 is constant."]
DECISIONS = ["Images were turned as their EXIF orientation says & scaled."]


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("many classes")
    study = parse_config({"studies": [{
        "name": "small",
        "dataset": {"source": "npz", "name": "birds", "path": "unused.npz"},
        "grid": {"depth": [1], "width": [4], "activation": ["relu"], "batch_norm": [False, True]},
        "seeds": [0],
        "training": {"epochs": 2, "batch_size": 64, "learning_rates": [0.01], "refinement_rounds": 0},
    }]}).studies[0]  # fmt: skip
    random = np.random.default_rng(0)
    y = np.repeat(np.arange(100), 6)
    x = (random.normal(0, 3, (100, 5))[y] + random.normal(size=(600, 5))).astype(np.float32)
    place = np.arange(600) % 6
    splits = Splits(np.flatnonzero(place < 4), np.flatnonzero(place == 4), np.flatnonzero(place == 5))
    tables = tables_of(study, PreparedDataset(x, y, splits, CLASSES), folder / "made", spoilt="relu-1x4")
    files = StudyFiles.of("small", folder / "results")
    for name, frame in tables.items():
        write_table(frame, files.table(name))
    Configurations.of(study).write(files.configurations)
    write_json(files.settings, study.model_dump(mode="json"))
    description = description_path(study.dataset, folder / "results")
    write_json(description, {
        "source": {"name": "birds"}, "samples": 600, "classes": CLASSES, "warnings": WARNINGS, "decisions": DECISIONS,
        "splits": {"train": {"samples": 400}, "validation": {"samples": 100}, "test": {"samples": 100}},
    })  # fmt: skip
    names = [chart.name for chart in charts_of(study)]
    context = Context.read(files, description, Charts())
    draw("small", names, files, context, folder / "reports" / "data" / "small")
    html = folder / "reports" / "index.html"
    build(html, "Birds", ["small"], folder / "results", Charts())
    return html


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=60_000)  # a hundred classes take a busy machine a while
    with open_browser() as opened:
        yield opened


@pytest.mark.parametrize("width", [1440, 390])
def test_a_hundred_classes_fit_on_the_page_and_their_legends_can_be_read(browser, report, width, tmp_path):
    with visit(browser, viewport={"width": width, "height": 900}) as visited:
        page = visited.open(report, "#?pins=small/relu-1x4-bn")
        folder = Path(os.environ.get("NODESCOPE_SCREENSHOTS", tmp_path))
        for name in ("atlas", "layer-surface"):
            drawn(page, f"small/{name}").screenshot(path=folder / f"birds-{width}-{name}.png")
        assert page.get_by_text("could not be drawn").count() == 0
        assert page.evaluate(BEYOND_THE_PAGE) == []
        cut = page.evaluate("""() => [...document.querySelectorAll("figure .block-canvas canvas")]
            .filter((canvas) => canvas.getBoundingClientRect().right > document.documentElement.clientWidth + 1).length""")
        assert cut == 0
        assert shown(page, "atlas")["class_name"].unique(maintain_order=True).to_list() == CLASSES
        visited.check()


def test_a_node_card_of_many_classes_shows_the_ends_and_all_on_request(browser, report):
    with visit(browser, viewport={"width": 1440, "height": 900}) as visited:
        page = visited.open(report, "#small-atlas?pins=small/relu-1x4-bn&node=small/relu-1x4-bn/1/0")
        card = page.locator("#card")
        expect(card.locator(".by-class tbody tr")).to_have_count(12)
        card.get_by_role("button", name="Show all").click()
        expect(card.locator(".by-class tbody tr")).to_have_count(100)
        visited.check()


def test_what_is_to_be_known_of_the_data_stands_at_the_head_and_in_a_section(browser, report):
    with visit(browser) as visited:
        page = visited.open(report)
        head = page.locator("#study-small > p").nth(1)
        expect(head).to_contain_text("2 warnings about the data")
        page.locator(".data-warnings").click()
        expect(page.locator("#small-data")).to_be_in_viewport()
        for sentence in (*WARNINGS, *DECISIONS):
            expect(page.locator("#small-data")).to_contain_text(sentence)
        visited.check()


def test_the_page_says_which_run_it_belongs_to_and_what_diverged(browser, report):
    with visit(browser) as visited:
        page = visited.open(report)
        said = page.locator("#run").inner_text()
        assert re.search(
            r"Run of \d{4}-\d\d-\d\d \d\d:\d\d UTC, configuration [0-9a-f]{8}, nodescope \S+;\s+study small", said
        )
        for place in ("#divergence", "#study-small > .divergence"):
            expect(page.locator(place).first).to_contain_text("Every network of this configuration diverged")
            expect(page.locator(place).first).to_contain_text("relu 1x4 without BN")
        expect(page.locator(".cell.best")).to_have_count(0)
        visited.check()
