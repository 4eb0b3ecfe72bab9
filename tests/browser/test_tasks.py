"""What readers come for, done as they do it: by mouse, by keyboard, by links; what the page says is what the tables say."""

import re

import polars as pl
import pytest
from browsing import box, drawn, needs_chromium, open_browser, saved, visit
from playwright.sync_api import Page, expect
from tasks_report import STATES, TasksReport

pytestmark = needs_chromium

WIDE = {"viewport": {"width": 1440, "height": 1000}, "accept_downloads": True}


@pytest.fixture(scope="module")
def browser():
    expect.set_options(timeout=30_000)
    with open_browser() as opened:
        yield opened


@pytest.fixture
def page(browser, tasks_report: TasksReport):
    """The page, as it opens."""
    with visit(browser, **WIDE) as visited:
        yield visited.open(tasks_report.html)
        visited.check()


def open_study(page: Page) -> None:
    page.locator(".cards").get_by_role("link", name="digits", exact=True).click()
    expect(page.locator("#study-digits h1")).to_be_visible()


def search(page: Page, text: str, kind: str) -> None:
    """What a reader types into the search box, and what is found there."""
    page.keyboard.press("Control+k")
    page.keyboard.type(text)
    expect(page.locator("#search-found li").first.locator(".kind")).to_have_text(kind)
    page.keyboard.press("Enter")


def percent(share: float) -> str:
    """As the card writes shares: whole, but not rounded to nothing or to all."""
    value = 100 * share
    return f"{value:.1f} %" if share not in (0, 1) and round(value) in (0, 100) else f"{round(value)} %"


def sentence(page: Page) -> str:
    return page.locator("#card .sentence").inner_text()


def expect_card(page: Page, title: str) -> None:
    expect(page.locator("#card-title")).to_have_text(title)
    expect(page.locator("#card .by-class tbody tr")).to_have_count(10)


def shares(
    report: TasksReport, state: str, node: int, configuration: str = "relu-2x40", layer: int = 2
) -> dict[int, float]:
    """The share of each class for which a node of seed 0 is on."""
    own = report.table("activity").filter(
        configuration=configuration, seed=0, state=state, split="train", layer=layer, node=node
    )
    return dict(own["class", "active_share"].rows())


def test_which_network_is_best_and_whether_that_is_more_than_chance(page, tasks_report):
    open_study(page)
    first = page.locator("#digits-finding-best_configuration")
    said = first.locator(".said").inner_text()
    compared = tasks_report.table("comparisons")
    best, other = (compared.filter(pl.col("is_best") == which).row(0, named=True) for which in (True, False))
    assert best["best"] in said and tasks_report.labels[other["configuration"]] in said
    numbers = [
        f"{100 * best['value']:.1f} % of {best['samples']} test samples",
        f"{100 * other['difference']:+.2f} points",
    ]
    numbers.append(f"{100 * other['interval_low']:+.2f} to {100 * other['interval_high']:+.2f} points")
    assert all(number in said for number in numbers), (numbers, said)
    assert ("do not tell" in said) == (other["verdict"] == "cannot tell")
    first.get_by_role("link", name=re.compile("^Figure 2.1")).click()
    expect(page.locator("#digits-test-accuracy h3")).to_be_in_viewport()
    rows = pl.read_parquet(saved(page, "digits/test-accuracy", "Parquet"))
    accuracy = tasks_report.table("accuracy").filter(split="test")
    assert sorted(rows.filter(pl.col("seed").is_not_null())["mean"]) == pytest.approx(sorted(accuracy["accuracy"]))
    words = {text for column in rows.select(pl.col(pl.String)) for text in column}
    told = "cannot be told apart" if other["verdict"] == "cannot tell" else other["verdict"]
    assert any(f"{100 * other['difference']:+.2f} points, {told}" in text for text in words if text), words


def test_where_and_when_nodes_died(page, tasks_report):
    open_study(page)
    fates = tasks_report.table("node_fates").filter(split="train")
    dead, died = (fates.filter(pl.col("fate").is_in(kinds)) for kinds in (["always_dead", "died"], ["died"]))
    said = page.locator("#digits-finding-when_nodes_died .said").inner_text()
    assert f"Of the {len(dead)} nodes dead after training" in said
    early = (len(dead) - died.filter(pl.col("since") > 1).height) / len(dead)
    assert f"{100 * early:.1f} % were dead after the first epoch" in said
    page.locator("#digits-finding-when_nodes_died").get_by_role("link").click()
    expect(page.locator("#digits-health h2")).to_be_attached()
    drawn(page, "digits/dead-nodes")
    around = box(page, "digits/dead-nodes")
    around.get_by_role("button", name="Table", exact=True).click()
    table = around.locator(".rows table")
    expect(table.locator("tbody tr").first).to_be_visible()
    names, rows = table.evaluate(
        "table => [[...table.tHead.rows[0].cells].map((cell) => cell.innerText.trim()),"
        " [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))]"
    )
    cells = {
        (row["network"], int(row["layer"]), row["when"]): row["mean"]
        for row in (dict(zip(names, cells, strict=True)) for cells in rows)
    }
    shown = tasks_report.table("dead_nodes").filter(split="train").group_by("configuration", "state", "layer").agg(
        pl.col("dead_share").mean()
    )  # fmt: skip
    for configuration, state, layer, share in shown.iter_rows():
        place = (tasks_report.labels[configuration], layer, STATES[state])
        assert cells[place] == f"{100 * share:.2f} %", place


def answering(report: TasksReport, of: int, least: float, most: float) -> pl.DataFrame:
    activity = report.table("activity").filter(configuration="relu-2x40", seed=0, state="trained", split="train")
    nodes = activity.group_by("layer", "node").agg(
        own=pl.col("active_share").filter(pl.col("class") == of).first(),
        other=pl.col("active_share").filter(pl.col("class") != of).max(),
    )
    return nodes.with_columns(
        lack=pl.max_horizontal(least - pl.col("own"), pl.col("other") - most).round(6)
    ).sort("lack", "layer", "node")  # fmt: skip


@pytest.mark.parametrize(("least", "most"), [(50, 50), (100, 0)])
def test_which_nodes_of_layer_2_answer_to_class_3(page, tasks_report, least, most):
    open_study(page)
    search(page, "which node is on for which class", "figure")
    expect(page.locator("#digits-atlas h3")).to_be_focused()
    form = drawn(page, "digits/atlas").locator(".atlas-find")
    form.locator('[name="of"]').select_option("3")
    form.locator('[name="least"]').fill(str(least))
    form.locator('[name="most"]').fill(str(most))
    form.get_by_role("button", name="Find").click()
    said = drawn(page, "digits/atlas").locator(".find-result p").first
    nodes = answering(tasks_report, 3, least / 100, most / 100)
    found = nodes.filter(pl.col("lack") <= 0).sort("layer", "node")
    if found.is_empty():
        nearest = nodes.row(0, named=True)
        expect(said).to_contain_text(f"none. Nearest: node {nearest['layer']}/{nearest['node']}")
        expect(said).to_contain_text(f"on for {percent(nearest['own'])} of 3 and for {percent(nearest['other'])} of")
    else:
        expect(said).to_contain_text(f"{len(found)} node{'s' if len(found) > 1 else ''} (layer/node)")
        of_layer = found.filter(layer=2)
        expect(page.locator('.atlas-block[data-net="0"][data-layer="2"] .block-title')).to_contain_text(
            f"{len(of_layer)} found"
        )
        named = said.get_by_role("button").all_inner_texts()
        assert [name for name in named if name.startswith("2/")] == [f"2/{node}" for node in of_layer["node"]]
        said.get_by_role("button").last.click()
        layer, node = found["layer", "node"].row(-1)
        expect_card(page, f"relu 2x40 without BN, layer {layer}, node {node}")


def test_what_node_37_fires_for(page, tasks_report):
    open_study(page)
    search(page, "2/37", "node")
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")
    rows = tasks_report.table("top_samples").filter(
        configuration="relu-2x40", seed=0, state="trained", split="test", layer=2, node=37
    )  # fmt: skip
    for end in ("most", "least"):
        own = rows.filter(end=end).sort("rank")
        items = page.locator(f'#card [data-end="{end}"] [data-sample]')
        assert [int(item.get_attribute("data-sample")) for item in items.all()] == own["sample"].to_list()
        labels = items.locator("> span").all_inner_texts()
        assert [int(label) for label in labels if label.strip()] == own["label"].to_list()
        for item in items.locator("img").all():
            assert item.evaluate("image => image.complete && image.naturalWidth > 0")
    own = shares(tasks_report, "trained", 37)
    for row in page.locator("#card .by-class tbody tr").all():
        assert row.locator(".share-bar").inner_text() == percent(own[int(row.get_attribute("data-class"))])


def test_one_network_before_and_after_training_side_by_side(page, tasks_report):
    open_study(page)
    chips = page.locator("#pins li")
    chips.last.locator("summary").click()
    page.get_by_role("button", name="Remove relu 2x40 with BN").click()
    chips.first.locator("summary").click()
    page.get_by_role("button", name="Compare with itself in another state").click()
    expect(chips).to_have_count(2)
    drawn(page, "digits/atlas")
    rows = pl.read_parquet(saved(page, "digits/atlas", "Parquet"))
    for state, label in (("initial", "relu 2x40 without BN, untrained"), ("trained", "relu 2x40 without BN")):
        own = rows.filter(network=label).sort("layer", "node", "class")
        table = tasks_report.table("activity").filter(configuration="relu-2x40", seed=0, state=state, split="train")
        expected = table.sort("layer", "node", "class")["active_share"].to_list()
        assert own["active_share"].to_list() == pytest.approx(expected, rel=1e-6)
    tops = [net.bounding_box()["y"] for net in page.locator(".atlas-net").all()]
    assert len(tops) == 2 and tops[0] == tops[1]
    # What is known of the kept network alone, or of its whole training, is shown once and not called untrained.
    for name in ("ablation", "learning-curves"):
        drawn(page, f"digits/{name}")
        shown = pl.read_parquet(saved(page, f"digits/{name}", "Parquet"))
        assert shown["network"].unique().to_list() == ["relu 2x40 without BN"]
        said = page.locator(f"#digits-{name} .shown").inner_text()
        assert "not by state" in said and "no data" not in said


def test_one_node_through_training(page, tasks_report):
    open_study(page)
    search(page, "layer 2 node 37", "node")
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")
    page.locator("#state").focus()
    page.keyboard.press("Home")
    for state, label in STATES.items():
        expect(page.locator("#state-name")).to_have_text(label)
        expect(page.locator("#card .card-view")).to_contain_text(label)
        own = shares(tasks_report, state, 37)
        for row in page.locator("#card .by-class tbody tr").all():
            assert row.locator(".share-bar").inner_text() == percent(own[int(row.get_attribute("data-class"))])
        strip = page.locator("#card canvas[role=img]").get_attribute("aria-label")
        assert f"{label}: {', '.join(f'{c} {percent(own[c])}' for c in range(10))}" in strip
        page.locator("#state").focus()
        page.keyboard.press("ArrowRight")
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")


def test_a_published_figure_opens_its_view_by_its_number(page):
    search(page, "figure 5.6", "published")
    expect(page.locator("#digits-atlas h3")).to_be_focused()
    expect(page.locator("#digits-atlas h3")).to_be_in_viewport()
    expect(drawn(page, "digits/atlas").locator(".atlas-map")).to_be_visible()


def test_a_figure_and_its_data_are_saved(page, tasks_report):
    open_study(page)
    svg = saved(page, "digits/dead-nodes", "SVG")
    text = svg.read_text()
    assert svg.suffix == ".svg" and text.startswith("<svg") and "layer" in text
    assert "Where are nodes dead" in text
    table = saved(page, "digits/dead-nodes", "CSV")
    rows = pl.read_csv(table)
    own = rows.filter(pl.col("mean").is_not_null()).sort("configuration", "state", "layer")
    expected = tasks_report.table("dead_nodes").filter(split="train").group_by("configuration", "state", "layer").agg(
        pl.col("dead_share").mean()
    ).sort("configuration", "state", "layer")  # fmt: skip
    assert own["mean"].to_list() == pytest.approx(expected["dead_share"].to_list(), rel=1e-6)


def place(page: Page, anchor: str) -> float:
    return page.locator(f"#{anchor}").bounding_box()["y"]


def settled(page: Page, anchor: str) -> float:
    """Where a figure stands once nothing above it is drawn any more."""
    page.wait_for_function(
        "() => [...document.querySelectorAll('[data-view]:not([hidden]) .chart')].every((one) => one.dataset.drawn === 'yes')",
        timeout=120_000,
    )
    page.wait_for_function(
        """anchor => new Promise((resolve) => {
          let last = NaN, still = 0;
          const look = () => {
            const own = document.getElementById(anchor).getBoundingClientRect().top;
            still = Math.abs(own - last) < 1 ? still + 1 : 0;
            last = own;
            if (still > 15) resolve(true); else setTimeout(look, 50);
          };
          look();
        })""",
        arg=anchor,
    )
    return place(page, anchor)


def test_a_copied_link_shows_the_same_view_and_place_in_a_fresh_window(page, browser, tasks_report):
    open_study(page)
    drawn(page, "digits/cka")
    page.locator("#state").focus()
    page.keyboard.press("ArrowLeft")
    page.locator("#digits-cka h3").scroll_into_view_if_needed()
    page.mouse.move(700, 500)
    page.mouse.wheel(0, 140)
    settled(page, "digits-cka")
    page.evaluate("navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); }")
    page.locator("#page-menu > summary").click()
    page.get_by_role("button", name="Copy link to this view").click()
    copied = page.evaluate("window.copied")
    anchor = re.search(r"#(digits-[a-z-]+)\?.*state=epoch-1", copied)[1]
    before = place(page, anchor)
    with visit(browser, **WIDE) as another:
        again = another.open(tasks_report.html, copied[copied.index("#") :])
        expect(again.locator("#state-name")).to_have_text("after epoch 1")
        assert abs(settled(again, anchor) - before) < 80, copied
        another.check()


def test_back_and_forward_follow_the_steps_of_a_reader(page):
    open_study(page)
    page.locator("nav").get_by_role("link", name="5 Health").click()
    expect(page.locator("#digits-health h2")).to_be_in_viewport()
    search(page, "2/37", "node")
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")
    page.go_back()
    expect(page.locator("#card")).to_be_hidden()
    page.go_back()
    expect(page.locator("#digits-health h2")).not_to_be_in_viewport()
    expect(page.locator("#study-digits")).to_be_visible()
    page.go_back()
    expect(page.locator("#overview")).to_be_visible()
    for _ in range(3):
        page.go_forward()
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")


def test_a_reload_keeps_the_view(page):
    open_study(page)
    search(page, "2/37", "node")
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")
    page.select_option("#split", "test")
    before = sentence(page)
    page.reload()
    expect_card(page, "relu 2x40 without BN, layer 2, node 37")
    expect(page.locator("#split")).to_have_value("test")
    assert sentence(page) == before


def test_no_figure_is_blank_in_a_pdf(page):
    open_study(page)
    page.evaluate("() => { window.print = () => { window.printed = true; }; }")
    page.keyboard.press("Control+p")
    page.wait_for_function("window.printed", timeout=120_000)
    blank = page.evaluate(
        """() => [...document.querySelectorAll("#study-digits figure .chart")].filter((holder) => {
          const canvases = [...holder.querySelectorAll("canvas")];
          if (!canvases.length) return !holder.innerText.trim();
          return canvases.every((canvas) => {
            const { width, height } = canvas;
            const pixels = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, width, height).data.buffer);
            return pixels.every((pixel) => pixel === pixels[0]);
          });
        }).map((holder) => holder.dataset.figure)"""
    )
    assert blank == []
    canvases = page.locator("#study-digits figure .chart canvas").count()
    written = page.pdf(format="A4")
    assert written.count(b"/Subtype /Image") >= canvases > 20


def test_the_main_tasks_by_keyboard_alone(page, tasks_report):
    link = page.locator(".cards").get_by_role("link", name="digits", exact=True)
    for _ in range(40):
        page.keyboard.press("Tab")
        if link.evaluate("link => link === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#study-digits h1")).to_be_visible()
    search(page, "which node is on for which class", "figure")
    expect(page.locator("#digits-atlas h3")).to_be_focused()
    expect(drawn(page, "digits/atlas").locator(".atlas-map")).to_be_visible()
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('atlas-map')"):
            break
    page.keyboard.press("PageDown")
    page.keyboard.press("ArrowRight")
    node = int(re.search(r"layer 2, node (\d+)", page.locator("#readout").inner_text())[1])
    page.keyboard.press("Enter")
    expect_card(page, f"relu 2x40 without BN, layer 2, node {node}")
    own = shares(tasks_report, "trained", node)
    said = {c: percent(share) for c, share in own.items()}
    row = page.locator(f'#card tr[data-class="{max(own, key=own.get)}"]')
    expect(row.locator(".share-bar")).to_have_text(said[max(own, key=own.get)])
    page.keyboard.press("Escape")
    expect(page.locator("#card")).to_be_hidden()
    expect(drawn(page, "digits/atlas").locator(".atlas-map")).to_be_focused()
    search(page, "5.1 where are nodes dead", "figure")
    expect(page.locator("#digits-dead-nodes h3")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(box(page, "digits/dead-nodes").locator(".rows tbody tr").first).to_be_visible()


def test_a_phone_shows_all_views_without_scrolling_sideways(browser, tasks_report):
    with visit(browser, viewport={"width": 390, "height": 844}, has_touch=True) as visited:
        page = visited.open(tasks_report.html)
        fits = "document.documentElement.scrollWidth <= innerWidth"
        assert page.evaluate(fits)
        open_study(page)
        page.locator("#toggle-contents").click()
        expect(page.locator("#contents")).to_be_visible()
        page.locator("#contents").get_by_role("link", name="5 Health").click()
        expect(page.locator("#contents")).to_be_hidden()
        expect(page.locator("#digits-health h2")).to_be_in_viewport()
        for name in ("dead-nodes", "test-accuracy", "atlas"):
            drawn(page, f"digits/{name}")
            assert page.evaluate(fits), name
        page.locator("#toggle-controls").click()
        page.locator("#search-open").click()
        page.keyboard.type("2/37")
        page.keyboard.press("Enter")
        expect_card(page, "relu 2x40 without BN, layer 2, node 37")
        assert page.evaluate(fits)
        bounds = page.locator("#card").bounding_box()
        assert bounds["x"] == 0 and bounds["width"] == 390 and bounds["y"] > 100
        page.locator("#card-close").click()
        page.locator("#toggle-contents").click()
        page.locator("#contents").get_by_role("link", name="Figures by published number").click()
        expect(page.locator("#published h1")).to_be_visible()
        assert page.evaluate(fits)
        visited.check()
