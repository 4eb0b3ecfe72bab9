"""The report of recordings without classes, training samples and accuracies: it speaks of nothing that there is not."""

import re

import numpy as np
import pytest
from browsing import drawn, needs_chromium, open_browser, visit
from playwright.sync_api import Page, expect
from test_report import BEYOND_THE_PAGE

import nodescope

pytestmark = needs_chromium

LAYERS = [f"encoder-{layer}" for layer in range(1, 9)]
NODES = ["petal", "sepal", "stem"]
NOT_THERE = re.compile(r"\b(class\w*|train\w*|accurac\w*|untrained|diverged|none|null|undefined|NaN|remed\w*)\b", re.I)
#: Where words of the whole page stand: what is absent, how analyses are defined, and settings.
ELSEWHERE = (
    "noscript, .findings, .cards, .absent, .warning, [id$='-data'], [id$='-methods'], [id$='-downloads'], #provenance, "
    ".matrix, h3, #run, th"
)


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    random = np.random.default_rng(0)
    for layer in LAYERS:
        values = random.normal(size=(40, len(NODES)))
        values[:, 2] = -1.0
        (folder / "out").mkdir(exist_ok=True)
        np.savez(folder / "out" / f"{layer}.npz", values=values, nodes=NODES)
    study = {"name": "plants", "recordings": {"files": f"{folder}/out/{{layer}}.npz"}}
    nodescope.run({"studies": [study]}, results=folder / "results", reports=folder / "reports")
    return folder / "reports" / "index.html"


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


def draw_all(page: Page) -> None:
    for figure in page.locator(".chart").all():
        drawn(page, figure.get_attribute("data-figure"))


def test_the_page_speaks_of_what_there_is(browser, report):
    with visit(browser, viewport={"width": 1440, "height": 900}) as seen:
        page = seen.open(report)
        draw_all(page)
        expect(page.locator(".absent")).to_have_count(3)
        for words in ("The samples have no classes", "There are no training samples", "Only recordings are known"):
            expect(page.locator("main")).to_contain_text(words)
        expect(page.locator("main")).to_contain_text("40 samples (test 40)")
        text = page.evaluate(
            """(elsewhere) => { const main = document.querySelector("main").cloneNode(true);
            for (const part of main.querySelectorAll(elsewhere)) part.remove(); return main.textContent; }""",
            ELSEWHERE,
        )
        assert "the share of the samples for which it is on" in text
        assert not NOT_THERE.findall(text)
        for control in (".state-control", "#class-menu", "#chips"):
            expect(page.locator(control)).to_be_hidden()
        for number, figure in enumerate(page.locator(".chart").all()):
            assert not NOT_THERE.search(figure.inner_text()), number
        left_out = page.locator("details", has_text="What was left out")
        left_out.locator("summary").click()
        expect(left_out).to_contain_text("layer accuracy: its samples have no classes, or one only")
        seen.check()


def test_a_click_on_a_node_shows_its_samples_and_its_name(browser, report):
    with visit(browser, viewport={"width": 1440, "height": 900}) as seen:
        page = seen.open(report)
        the_map = drawn(page, "plants/atlas").locator(".atlas-map")
        the_map.focus()
        page.keyboard.press("Home")
        node = int(re.search(r"node (\d)", page.locator("#readout").inner_text())[1])
        expect(page.locator("#readout")).to_contain_text(f"layer 1 (encoder-1), node {node} ({NODES[node]})")
        expect(page.locator("#readout")).not_to_contain_text("all samples")
        page.goto(page.url.partition("#")[0] + "#plants-atlas?in:atlas.order=index&node=plants/plants/1/0")
        page.reload()
        card = page.locator("#card")
        expect(page.locator("#card-title")).to_have_text("plants, layer 1 (encoder-1), node 0 (petal)")
        expect(card.locator(".sentence")).to_have_text(re.compile(r"On for \d+(\.\d)? % of the samples\."))
        expect(card.locator(".ridge")).to_have_count(1)
        assert not NOT_THERE.search(card.inner_text())
        page.locator("#card-next").click()
        page.locator("#card-next").click()
        expect(page.locator("#card-title")).to_have_text("plants, layer 1 (encoder-1), node 2 (stem)")
        expect(card.locator(".sentence")).to_have_text("Always off: on for no sample.")
        seen.check()


def test_layers_stand_under_their_names(browser, report):
    with visit(browser, viewport={"width": 1440, "height": 900}) as seen:
        page = seen.open(report)
        layers = page.locator("details.layers")
        layers.locator("summary").click()
        for name in LAYERS:
            expect(layers).to_contain_text(name)
        atlas = drawn(page, "plants/atlas")
        for name in LAYERS:
            expect(atlas).to_contain_text(name)
        seen.check()


def test_a_narrow_page_holds_many_layers(browser, report):
    with visit(browser, viewport={"width": 390, "height": 844}) as seen:
        page = seen.open(report)
        draw_all(page)
        assert not page.evaluate(BEYOND_THE_PAGE)
        seen.check()
