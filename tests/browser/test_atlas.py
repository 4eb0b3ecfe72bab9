"""The atlas and the node card by tasks: every number is that of the tables."""

import itertools
import json
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from browsing import needs_chromium, open_browser, visit
from conftest import tables_of
from playwright.sync_api import Locator, Page, expect
from project import without_analyses
from sklearn.datasets import load_digits

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

CLASSES = [str(c) for c in range(10)]
NODES = 40
SHOWN = (
    "activity", "medians", "node_order", "node_kinds", "selectivity", "node_fates", "redundancy", "kin", "node_histograms",
    "top_samples",
)  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, dict[str, pl.DataFrame]]:
    """A page of two small networks of digits, and its tables."""
    folder = tmp_path_factory.mktemp("atlas")
    study = parse_config({"studies": [{
        "name": "small",
        "dataset": {"source": "npz", "name": "digits", "path": "unused.npz"},
        "grid": {"depth": [2], "width": [NODES], "activation": ["relu"], "batch_norm": [False, True]},
        "seeds": [0],
        "training": {"epochs": 4, "batch_size": 64, "learning_rates": [0.02], "refinement_rounds": 0, "snapshots": [1]},
        "analyses": without_analyses(but=SHOWN),
        "diagnosis": {"enabled": False},
    }]}).studies[0]  # fmt: skip
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    place = np.arange(len(images)) % 4
    splits = Splits(np.flatnonzero(place > 1), np.flatnonzero(place == 0), np.flatnonzero(place == 1))
    tables = tables_of(study, PreparedDataset(images, digits.target, splits, CLASSES), folder / "made")
    files = StudyFiles.of("small", folder / "results")
    for name, frame in tables.items():
        write_table(frame, files.table(name))
    Configurations.of(study).write(files.configurations)
    write_json(files.settings, study.model_dump(mode="json"))
    sizes = {split: {"samples": len(samples)} for split, samples in splits.items()}
    description = description_path(study.dataset, folder / "results")
    write_json(
        description,
        {"source": {"name": "digits"}, "samples": len(images), "classes": CLASSES, "splits": sizes},
    )
    names = [chart.name for chart in charts_of(study)]
    draw("small", names, files, Context.read(files, description, Charts()), folder / "reports" / "data" / "small")
    page = folder / "reports" / "index.html"
    build(page, "Digits", ["small"], folder / "results", Charts())
    return page, tables


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(browser, made):
    with visit(browser, viewport={"width": 1440, "height": 1000}, accept_downloads=True) as visited:
        opened = visited.open(made[0], "#small-atlas")
        atlas(opened)
        yield opened
        visited.check()


@pytest.fixture
def tables(made):
    return made[1]


def atlas(page: Page) -> Locator:
    holder = page.locator('.chart[data-figure="small/atlas"]')
    holder.scroll_into_view_if_needed()
    expect(holder.locator(".atlas-map")).to_be_visible()
    expect(holder).to_have_attribute("data-drawn", "yes")
    expect(holder).not_to_have_class(re.compile("stale"))
    return holder


def shares(tables, configuration="relu-2x40", state="trained", split="train") -> pl.DataFrame:
    here = {"configuration": configuration, "seed": 0, "state": state, "split": split}
    return tables["activity"].filter(**here)


def percent(share: float) -> str:
    """As the page writes shares: whole, but not rounded to nothing or to all."""
    value = 100 * share
    whole = round(value)  # no share of these samples lies halfway
    if share not in (0, 1) and whole in (0, 100):
        return f"{value:.1f} %"
    return f"{whole} %"


def answering(tables, of, least, most, **where) -> pl.DataFrame:
    """The nodes that are on for so much of a class and so little of all others."""
    activity = shares(tables, **where)
    own = activity.filter(pl.col("class") == of, pl.col("active_share") >= least / 100)
    others = activity.filter(pl.col("class") != of).group_by("layer", "node").agg(pl.col("active_share").max())
    quiet = others.filter(pl.col("active_share") <= most / 100)
    return own.join(quiet, on=["layer", "node"], how="semi").sort("layer", "node")


def find(page: Page, of, least, most) -> Locator:
    form = atlas(page).locator(".atlas-find")
    form.locator('[name="of"]').select_option(str(of))
    form.locator('[name="least"]').fill(str(least))
    form.locator('[name="most"]').fill(str(most))
    form.get_by_role("button", name="Find").click()
    expect(page).to_have_url(re.compile(rf"atlas\.find={of}_{least}_{most}"))
    return atlas(page).locator(".find-result")


def block(page: Page, net: int, layer: int) -> Locator:
    return atlas(page).locator(f'.atlas-block[data-net="{net}"][data-layer="{layer}"]')


def choose(page: Page, name: str, value: str) -> None:
    atlas(page).locator(f'[data-choice="{name}"]').select_option(value)
    atlas(page)


def open_node(page: Page, layer: int, node: int) -> Locator:
    """Open a node by its place in the address, as a link does."""
    page.goto(page.url.partition("#")[0] + f"#small-atlas?node=small/relu-2x40/{layer}/{node}")
    page.reload()
    card = page.locator("#card")
    expect(card.locator(".sentence")).to_be_visible()
    expect(page.locator("#card-title")).to_contain_text(f"layer {layer}, node {node}")
    return card


@pytest.mark.parametrize(("of", "least", "most"), [(0, 60, 60), (3, 80, 20), (3, 50, 90), (7, 100, 0)])
def test_the_nodes_that_answer_to_a_class_are_those_of_the_table_or_the_page_says_how_near_the_best_comes(
    page, tables, of, least, most
):
    said = find(page, of, least, most).locator("p").all_inner_texts()
    for net, configuration in enumerate(["relu-2x40", "relu-2x40-bn"]):
        found = answering(tables, of, least, most, configuration=configuration)
        if len(found):
            assert f"{len(found)} node{'s' if len(found) > 1 else ''} (layer/node)" in said[net]
            named = re.findall(r"\d+/\d+", said[net].partition("(layer/node):")[2])
            assert named == [f"{layer}/{node}" for layer, node in found["layer", "node"].rows()][:24]
        else:
            layer, node = map(int, re.search(r"none\. Nearest: node (\d+)/(\d+)", said[net]).groups())
            activity = shares(tables, configuration)
            by_node = activity.group_by("layer", "node").agg(
                own=pl.col("active_share").filter(pl.col("class") == of).first(),
                other=pl.col("active_share").filter(pl.col("class") != of).max(),
            )
            lack = pl.max_horizontal(least / 100 - pl.col("own"), pl.col("other") - most / 100)
            nearest = by_node.with_columns(lack=lack.round(6)).sort("lack", "layer", "node").row(0, named=True)
            assert (layer, node) == (nearest["layer"], nearest["node"])
            assert f"on for {percent(nearest['own'])} of {of} and for {percent(nearest['other'])} of" in said[net]
            short = float(re.search(r": ([\d.]+) points short", said[net])[1])
            assert short == pytest.approx(100 * nearest["lack"], abs=0.51)
        for layer in (1, 2):
            marked = len(found.filter(pl.col("layer") == layer))
            title = block(page, net, layer).locator(".block-title")
            if len(found):
                expect(title).to_contain_text(f"{marked} found")


@pytest.mark.parametrize("state", [0, 2])
def test_blocks_name_their_size_and_the_kinds_of_their_nodes(page, tables, state):
    page.locator("#state").fill(str(state))
    name = ["initial", "epoch-1", "trained"][state]
    for net, configuration in enumerate(["relu-2x40", "relu-2x40-bn"]):
        for layer in (1, 2):
            kinds = tables["node_kinds"].filter(
                configuration=configuration, state=name, split="train", layer=layer, seed=0
            )["kind"]
            title = block(page, net, layer).locator(".block-title")
            said = [f"layer {layer}", f"{NODES} nodes"]
            for kind, one, several in (("dead", "dead", "dead"), ("always_on", "always on", "always on"),
                                       ("switch", "switch", "switches"), ("saturated", "saturated", "saturated"),
                                       ("constant", "constant", "constant")):  # fmt: skip
                if count := int((kinds == kind).sum()):
                    said.append(f"{count} {one if count == 1 else several}")
            expect(title).to_have_text(" · ".join(said))


def places(page: Page, net: int, layer: int) -> list[int]:
    """The nodes of a block from left to right, as the keyboard goes over them."""
    return block(page, net, layer).evaluate("block => [...block.order]")


def test_nodes_stand_in_the_order_that_the_table_says_and_keep_it_when_the_state_changes(page, tables):
    orders = tables["node_order"].filter(configuration="relu-2x40", seed=0)
    for choice, name in (("class", "class"), ("similarity", "profile")):
        choose(page, "order", choice)
        for layer in (1, 2):
            ranked = orders.filter(pl.col("order") == name, pl.col("layer") == layer).sort("rank")
            assert places(page, 0, layer) == ranked["node"].to_list()
    choose(page, "order", "index")
    assert places(page, 0, 2) == list(range(NODES))
    choose(page, "order", "mean")
    means = shares(tables).filter(layer=2).group_by("node").agg(pl.col("active_share").mean())
    shown = {node: share for node, share in means.rows()}
    ordered = [shown[node] for node in places(page, 0, 2)]
    assert ordered == sorted(ordered, reverse=True)
    choose(page, "order", "selectivity")
    selective = dict(
        tables["selectivity"].filter(configuration="relu-2x40", state="trained", split="train", layer=2, seed=0)
        ["node", "class_share"].rows()
    )  # fmt: skip
    ordered = [selective[node] for node in places(page, 0, 2) if selective[node] is not None]
    assert ordered == sorted(ordered, reverse=True)
    before = places(page, 0, 2)
    page.locator("#state").fill("0")
    expect(atlas(page).locator(".atlas-map")).to_be_visible()
    assert places(page, 0, 2) == before


def test_the_pointer_reads_a_node_in_all_compared_networks(page, tables):
    page.goto(page.url.partition("#")[0] + "#small-atlas?pins=small/relu-2x40,small/relu-2x40@initial")
    page.reload()
    own = block(page, 0, 2)
    at, of = 7, 3
    x, y = own.evaluate(
        "(block, [at, row]) => { const g = block.geometry, b = block.querySelector('canvas').getBoundingClientRect();"
        " return [b.left + g.left + (at + 0.5) * g.wide, b.top + g.above + (row + 0.5) * g.high]; }", [at, of],
    )  # fmt: skip
    page.mouse.move(x, y)
    node = places(page, 0, 2)[at]
    text = page.locator("#readout").inner_text()
    assert f"layer 2, node {node}, class {of}" in text
    for state, label in (("trained", "BN: "), ("initial", "untrained: ")):
        share = shares(tables, state=state).filter(layer=2, node=node)
        value = share.filter(pl.col("class") == of)["active_share"].item()
        expected = "dead, on for no sample" if share["active_share"].max() == 0 else percent(value)
        assert any(label in line and line.endswith(expected) for line in text.splitlines()), (text, expected)
    expect(atlas(page).locator(".crosshair")).to_have_count(2)


def test_one_tab_stop_arrow_keys_and_enter_lead_to_a_node_and_escape_back(page):
    the_map = atlas(page).locator(".atlas-map")
    the_map.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    order = places(page, 0, 2)
    expect(page.locator("#readout")).to_contain_text(f"layer 2, node {order[1]}")
    page.keyboard.press("Enter")
    expect(page.locator("#card-title")).to_contain_text(f"layer 2, node {order[1]}")
    expect(page.locator("#card-close")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#card-title")).to_contain_text(f"layer 2, node {order[2]}")
    expect(page.locator("#card-place")).to_have_text(f"3 of {NODES} by preferred class")
    assert f"2%2F{order[2]}" in page.url
    menu = page.locator('figure[id="small-atlas"] .save')
    menu.locator("summary").click()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(atlas(page).locator(".atlas-map")).to_be_focused()


def test_the_card_says_in_words_what_a_node_is_on_for(page, tables):
    activity = shares(tables).filter(layer=2)
    for node in (37, int(activity.group_by("node").agg(pl.col("active_share").max()).sort("active_share")["node"][0])):
        card = open_node(page, 2, node)
        sentence = card.locator(".sentence").inner_text()
        own = dict(activity.filter(node=node)["class", "active_share"].rows())
        if max(own.values()) == 0:
            assert sentence.startswith("Dead: on for no sample")
        else:
            named = re.findall(r"(\d) \(([\d.]+ %)\)", sentence) + re.findall(r"for (\d) in ([\d.]+ %)", sentence)
            assert named and all(said == percent(own[int(name)]) for name, said in named)
            strong = {c for c, share in own.items() if share >= 0.8}
            for c in strong if len(strong) <= 4 else ():
                assert f"{c} ({percent(own[c])})" in sentence
            weak = [share for share in own.values() if share <= 0.2]
            if len(weak) > 1 and max(weak) > 0:
                assert f"at most {percent(max(weak))}" in sentence
        dead = [
            shares(tables, state=state).filter(layer=2, node=node)["active_share"].max() == 0
            for state in ("initial", "epoch-1", "trained")
        ]
        assert ("never dead" in sentence) == (not any(dead))
        assert ("in every recorded state" in sentence) == all(dead)


def test_the_card_shows_the_samples_that_drive_a_node_most_and_least(page, tables):
    card = open_node(page, 2, 37)
    for end in ("most", "least"):  # without the samples themselves only these are listed
        rows = tables["top_samples"].filter(
            configuration="relu-2x40", seed=0, layer=2, node=37, end=end, split="test"
        ).sort("rank")  # fmt: skip
        if "samples" not in tables:  # of numbers alone fewer are listed
            rows = rows.head(6)
        items = card.locator(f'[data-end="{end}"] [data-sample]')
        expect(items).to_have_count(len(rows))
        assert [int(item.get_attribute("data-sample")) for item in items.all()] == rows["sample"].to_list()
        described = " ".join(
            (item.get_attribute("title") or "") + item.inner_text() + (item.locator("img").get_attribute("alt") or "")
            if item.locator("img").count() else item.inner_text() for item in items.all()
        )  # fmt: skip
        for sample, label in rows["sample", "label"].rows():
            assert f"sample {sample}, {label}, z = " in described


def test_the_card_sorts_classes_by_their_median_and_names_their_shares(page, tables):
    card = open_node(page, 2, 37)
    rows = card.locator(".by-class tbody tr")
    expect(rows).to_have_count(10)
    own = dict(shares(tables).filter(layer=2, node=37)["class", "active_share"].rows())
    for row in rows.all():
        assert row.locator(".share-bar").inner_text() == percent(own[int(row.get_attribute("data-class"))])
    histograms = tables["node_histograms"].filter(
        configuration="relu-2x40", seed=0, split="train", layer=2, node=37, kind="pre"
    )
    medians = {}
    for row in histograms.iter_rows(named=True):
        edges = np.linspace(row["low"], row["high"], len(row["counts"]) + 1)
        below = np.concatenate([[0], np.cumsum(row["counts"])])
        medians[row["class"]] = np.interp(below[-1] / 2, below, edges)
    shown = [medians[int(row.get_attribute("data-class"))] for row in rows.all()]
    assert all(first >= second - 1e-3 for first, second in itertools.pairwise(shown))
    label = rows.first.locator(".ridge").get_attribute("aria-label")
    assert float(re.search(r"median about (\S+)", label)[1]) == pytest.approx(shown[0], rel=0.02, abs=0.02)


def test_what_is_known_of_one_state_only_says_so_in_another(page):
    card = open_node(page, 2, 37)
    expect(card.locator(".card-view")).to_contain_text("trained")
    expect(card.locator(".ridge")).to_have_count(10)
    page.locator("#state").fill("0")
    expect(card.locator(".card-view")).to_contain_text("untrained")
    expect(card.locator(".ridge")).to_have_count(0)
    expect(card.locator(".elsewhere").first).to_contain_text("when trained only")
    card.get_by_role("button", name="Show trained").first.click()
    expect(card.locator(".ridge")).to_have_count(10)


def test_nodes_that_resemble_it_are_those_of_the_table(page, tables):
    card = open_node(page, 2, 37)
    nearest = tables["redundancy"].filter(
        configuration="relu-2x40", seed=0, state="trained", layer=2, node=37
    ).row(0, named=True)  # fmt: skip
    if nearest["nearest"] is None:
        expect(card.locator(".kin")).to_have_count(0)
        return
    first = card.locator(".kin li").first
    expect(first).to_contain_text(f"2/{nearest['nearest']}, r = {nearest['nearest_correlation']:.2f}")
    first.get_by_role("button").click()
    expect(page.locator("#card-title")).to_contain_text(f"node {nearest['nearest']}")


def test_the_table_of_nodes_holds_what_the_tables_hold(page, tables):
    holder = atlas(page)
    holder.locator(".node-table > summary").click()
    rows = holder.locator(".node-table tbody tr")
    expect(rows).to_have_count(4 * NODES)
    with page.expect_download() as download:
        holder.locator(".node-table").get_by_role("button", name="CSV").click()
    saved = pl.read_csv(download.value.path())
    own = saved.filter(pl.col("network").str.contains("without")).sort("layer", "node")
    table = tables["selectivity"].filter(
        configuration="relu-2x40", seed=0, state="trained", split="train"
    ).sort("layer", "node")  # fmt: skip
    assert own["selectivity"].fill_null(-1).to_list() == pytest.approx(
        table["class_share"].fill_null(-1).to_list(), rel=1e-4
    )
    assert own["preferred_class"].cast(pl.Int32).to_list() == table["preferred_class"].to_list()
    means = shares(tables).group_by("layer", "node").agg(pl.col("active_share").mean()).sort("layer", "node")
    assert own["mean_share_on"].to_list() == pytest.approx(means["active_share"].to_list(), rel=1e-5)
    holder.get_by_role("button", name="selectivity").click()
    holder.get_by_label("Filter the rows of nodes").fill("without")
    expect(rows).to_have_count(2 * NODES)


def test_a_link_to_the_atlas_shows_the_same_order_value_and_search(browser, made, page):
    choose(page, "order", "mean")
    choose(page, "value", "median")
    texts = find(page, 3, 50, 90).locator("p").all_inner_texts()
    with visit(browser, viewport={"width": 1440, "height": 1000}) as another:
        again = another.open(made[0], page.url[page.url.index("#") :])
        atlas(again)
        assert again.locator('[data-choice="order"]').input_value() == "mean"
        assert again.locator('[data-choice="value"]').input_value() == "median"
        expect(again.locator(".find-result p")).to_have_text([text.strip() for text in texts])
        another.check()


def test_what_the_atlas_shows_can_be_saved(page, tables):
    box = page.locator('figure[id="small-atlas"]')

    def saved(kind):
        if not box.locator(".save").evaluate("menu => menu.open"):
            box.locator(".save > summary").click()
        with page.expect_download() as download:
            box.locator(f'[data-kind="{kind}"]').click()
        return Path(download.value.path())

    rows = pl.read_parquet(saved("Parquet"))
    own = rows.filter(configuration="relu-2x40").sort("layer", "node", "class")
    assert own["active_share"].to_list() == pytest.approx(
        shares(tables).sort("layer", "node", "class")["active_share"].to_list(), rel=1e-6
    )
    spec = json.loads(saved("Vega-Lite JSON").read_text())
    assert len(spec["datasets"]["nodes"]) == len(rows)
    assert saved("SVG").read_text().startswith("<svg")


def test_classes_that_are_hidden_are_hidden_in_the_atlas(page):
    high = block(page, 0, 1).evaluate("block => block.geometry.rows")
    page.goto(page.url.partition("#")[0] + "#small-atlas?without=0,1")
    page.reload()
    assert high == 10 and block(page, 0, 1).evaluate("block => block.geometry.rows") == 8
    expect(atlas(page).locator('.atlas-find [name="of"] option')).to_have_count(8)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_atlas_and_card_fit_on_a_narrow_page(browser, made, theme):
    with visit(browser, viewport={"width": 390, "height": 844}, color_scheme=theme) as visited:
        page = visited.open(made[0], "#small-atlas?node=small/relu-2x40/2/37")
        expect(page.locator("#card .sentence")).to_be_visible()
        bounds = page.locator("#card").bounding_box()
        assert bounds["y"] > 150 and bounds["x"] == 0 and bounds["width"] == 390
        page.locator("#card-close").click()
        cells = atlas(page).locator(".atlas-block")
        assert all(cell.evaluate("block => block.geometry.wide") >= 5 for cell in cells.all())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        visited.check()


def test_of_two_nodes_the_last_that_was_opened_is_shown(page):
    page.evaluate(
        "() => { const load = nodescope.load; nodescope.load = (study, name) => (name === 'node_histograms.relu-2x40.0'"
        " ? new Promise((resolve) => { window.release = () => resolve(load(study, name)); }) : load(study, name)); }"
    )
    the_map = atlas(page).locator(".atlas-map")
    the_map.focus()
    for key in ("Home", "Enter"):
        page.keyboard.press(key)
    page.wait_for_function("() => Boolean(window.release)")
    the_map = atlas(page).locator(".atlas-map")
    the_map.focus()
    for key in ("Shift+ArrowRight", "Enter"):
        page.keyboard.press(key)
    title = page.locator("#card-title")
    expect(title).to_contain_text("with BN")
    text = page.locator("#card .sentence").inner_text()
    page.evaluate("() => release()")
    page.wait_for_timeout(500)
    expect(title).to_contain_text("with BN")
    expect(page.locator("#card .sentence")).to_have_text(text)
