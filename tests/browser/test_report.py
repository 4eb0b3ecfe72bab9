"""The report in a browser: every control, on a page made of real networks, one of which diverged.

Screenshots are kept in the folder that NODESCOPE_SCREENSHOTS names, for people to look at.
"""

import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import polars as pl
import polars.testing
import pytest
from browsing import box, drawn, needs_chromium, open_browser, saved, visit
from PIL import Image
from playwright.sync_api import Page, expect

from nodescope.charts.context import Context
from nodescope.charts.drawing import draw
from nodescope.charts.packing import write_packed
from nodescope.charts.registry import charts_of
from nodescope.config.charts import Charts
from nodescope.config.study import study_of
from nodescope.report import build
from nodescope.storage.files import write_text
from nodescope.storage.json_files import write_json
from nodescope.storage.tables import write_table
from nodescope.study.axes import Configurations
from nodescope.study.layout import StudyFiles, description_path

pytestmark = needs_chromium

HOSTILE = "<script>alert(1)</script>"
CLASSES = ["plain", HOSTILE, "quote\" ' & co"]


#: What is wider than the page and does not scroll on its own.
BEYOND_THE_PAGE = """() => document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")]
  .filter((e) => e.getBoundingClientRect().right > innerWidth + 1)
  .filter((e) => { while ((e = e.parentElement)) if (getComputedStyle(e).overflowX !== "visible") return false; return true; })
  .map((e) => `${e.tagName} ${e.id} ${e.className} ${e.textContent.slice(0, 40)}`)"""


@pytest.fixture(scope="module")
def report(small_study, small_tables, tmp_path_factory) -> Path:
    """The page of the small study, with hostile names of classes, title and file."""
    folder = tmp_path_factory.mktemp("a report") / "with spaces & # signs"
    files = StudyFiles.of("small", folder / "results")
    for name, frame in small_tables.items():
        write_table(frame, files.table(name))
    Configurations.of(small_study).write(files.configurations)
    settings = small_study.model_dump(mode="json")
    settings["dataset"]["path"] = f"</script>{HOSTILE}.npz"
    write_json(files.settings, settings)
    write_text(files.benchmark("train", "relu-1x6"), "s\tmax_rss\n3600.0\t100.0\n")
    description = {
        "source": {"name": "blobs"}, "samples": 120, "classes": CLASSES,
        "splits": {"train": {"samples": 80}, "validation": {"samples": 20}, "test": {"samples": 20}},
    }  # fmt: skip
    path = description_path(study_of(settings).dataset, folder / "results")
    write_json(path, description)
    names = [chart.name for chart in charts_of(small_study)]
    context = Context.read(files, path, Charts())
    draw("small", names, files, context, folder / "reports" / "data" / "small")
    html = folder / "reports" / "index.html"
    build(html, f"Nodes & {HOSTILE}", ["small"], folder / "results", Charts())
    return html


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


@pytest.fixture
def visited(browser):
    """A visit that must end without a request to a network and without a complaint."""
    with visit(browser, viewport={"width": 1440, "height": 900}, accept_downloads=True) as visited:
        yield visited
        visited.check()


@pytest.fixture
def page(visited, report) -> Page:
    return visited.open(report)


def shown(page: Page, name: str) -> pl.DataFrame:
    """The rows that a figure shows."""
    return pl.read_parquet(saved(page, f"small/{name}", "Parquet"))


def as_on_the_page(numbers: pl.Series) -> list[float]:
    """Numbers of a table that is not small: to the nearest with 14 bits of mantissa, see `nodescope.charts.packing`."""
    mantissa, exponent = np.frexp(numbers.to_numpy())
    return list(np.ldexp(np.floor(mantissa * 2**15 + 0.5) / 2**15, exponent))


def put(page: Page, state: int) -> None:
    """Put the slider on a state."""
    page.locator("#state").fill(str(state))


def open_menu(page: Page, identifier: str) -> None:
    """The menu, and one of its groups."""
    for name in dict.fromkeys(("page-menu", identifier)):
        menu = page.locator(f"#{name}")
        if not menu.evaluate("menu => menu.open"):
            menu.locator("> summary").click()


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_figure_is_drawn_on_wide_and_narrow_pages_light_and_dark(browser, report, width, height, theme, tmp_path):
    with visit(browser, viewport={"width": width, "height": height}, color_scheme=theme) as visited:
        page = visited.open(report)
        expect(page.locator("html")).to_have_attribute("data-theme", theme)
        folder = Path(os.environ.get("NODESCOPE_SCREENSHOTS", tmp_path))
        page.screenshot(path=folder / f"{width}-{theme}-top.png")
        for holder in page.locator(".chart").all():
            found = drawn(page, holder.get_attribute("data-figure"))
            expect(found.locator("canvas, table, button, .message").first).to_be_attached()
            assert len(found.get_attribute("aria-label")) > 20
        assert page.get_by_text("could not be drawn").count() == 0
        assert page.evaluate(BEYOND_THE_PAGE) == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        page.screenshot(path=folder / f"{width}-{theme}.png", full_page=True)
        visited.check()
    with Image.open(folder / f"{width}-{theme}-top.png") as picture:
        lightness = sum(picture.convert("L").resize((1, 1)).getpixel((0, 0)) for _ in [0])
    assert (lightness > 180) == (theme == "light")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(browser, report, theme):
    """WCAG AA: 4.5 to 1."""
    with visit(browser, color_scheme=theme) as visited:
        page = visited.open(report)
        drawn(page, "small/test-accuracy")
        ratios = page.evaluate("""() => {
          const light = (text) => { const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((x) => x / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
          const behind = (e) => { while (e) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\\)$/.test(c) && c !== "transparent") return c; e = e.parentElement; } return "rgb(255,255,255)"; };
          const found = [];
          for (const e of document.querySelectorAll("p, a, h1, h2, h3, h4, td, th, button, summary, label, figcaption, .reading, .shown, .mark, .standing, select, output")) {
            if (!e.offsetParent || !e.textContent.trim() || e.disabled) continue;
            const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
            found.push([(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + "." + e.className]);
          }
          return found;
        }""")  # noqa: E501
    assert len(ratios) > 100
    assert [entry for entry in ratios if entry[0] < 4.5] == []


def test_the_state_rules_figures_and_their_values_are_those_of_the_tables(page, small_tables):
    put(page, 0)
    expect(page.locator("#state-name")).to_have_text("untrained")
    rows = shown(page, "atlas")
    table = small_tables["activity"].filter(
        pl.col("state") == "initial", pl.col("split") == "train", pl.col("seed") == 0, pl.col("activation") == "relu",
        pl.col("depth") == 1,
    )  # fmt: skip
    by = ["layer", "node", "class"]
    shares = rows.filter(pl.col("configuration") == "relu-1x6").sort(by)["active_share"]
    assert shares.to_list() == pytest.approx(table.filter(~pl.col("batch_norm")).sort(by)["active_share"].to_list())
    sparsity = shown(page, "redundancy")
    assert set(sparsity["state"]) == {"initial"}


def test_split_and_seed_rule_figures(page, small_tables):
    page.select_option("#split", "validation")
    page.select_option("#seed", "1")
    rows = shown(page, "probes").drop_nulls("mean")
    table = small_tables["probes"].filter(
        pl.col("split") == "validation", pl.col("seed") == 1, pl.col("state") == "trained"
    ).drop_nulls("accuracy")  # fmt: skip
    inputs = small_tables["input_probe"].filter(split="validation", seed=1)["accuracy"]
    for own, expected in ((pl.col("layer") > 0, table["accuracy"]), (pl.col("layer") == 0, inputs)):
        assert sorted(rows.filter(own)["mean"]) == pytest.approx(sorted(as_on_the_page(expected)), rel=1e-6)
    # Where a figure has no such split it says so, and shows what it has.
    drawn(page, "small/redundancy")
    expect(box(page, "small/redundancy").locator(".shown")).to_contain_text("no split validation here")


def test_filters_rule_figures_tables_and_pins(page):
    open_menu(page, "filters")
    page.locator('[data-axis="activation"]').get_by_label("relu").uncheck()
    assert set(shown(page, "test-accuracy")["activation"].drop_nulls()) == {"sigmoid"}
    assert set(shown(page, "probes")["activation"]) == {"sigmoid"}
    expect(page.locator("#pins li.off")).to_have_count(2)
    expect(page.locator("#filter-count")).to_have_text("1")


def test_names_are_highlighted_hidden_and_chosen_by_a_regular_expression(page):
    open_menu(page, "filters")
    page.locator("#pattern").fill("sigmoid.*with BN")
    before = shown(page, "probes")
    open_menu(page, "filters")
    page.select_option("#pattern-mode", "hide")
    hidden = shown(page, "probes")
    open_menu(page, "filters")
    page.select_option("#pattern-mode", "only")
    only = shown(page, "probes")
    found = [frame.drop_nulls("mean")["configuration"].n_unique() for frame in (before, hidden, only)]
    assert found == [8, 6, 2]  # of the one that diverged, the probe on its inputs
    assert set(only["activation"]) == {"sigmoid"} and set(only["batch_norm"]) == {True}
    open_menu(page, "filters")
    page.locator("#pattern").fill("(")
    expect(page.locator("#pattern-error")).to_have_text("Invalid regular expression.")


def test_highlighting_fades_the_other_networks(page):
    drawn(page, "small/probes")
    open_menu(page, "filters")
    page.locator("#pattern").fill("sigmoid")
    spec = json.loads(saved(page, "small/probes", "Vega-Lite JSON").read_text())
    rows = [row for rows in spec["datasets"].values() for row in rows]
    assert {row["activation"] for row in rows if row["__muted"]} == {"relu"}
    assert "datum.__muted" in json.dumps(spec)


def test_classes_are_hidden_in_every_figure_of_classes(page):
    open_menu(page, "class-menu")
    page.locator("#classes").get_by_label("plain").uncheck()
    assert set(shown(page, "atlas")["class_name"]) == set(CLASSES[1:])
    expect(page.locator("#class-count")).to_have_text("2/3")


def test_a_click_on_a_legend_hides_a_series_and_shows_it_again(page):
    classes = set(shown(page, "layer-map")["class_name"])
    canvas = drawn(page, "small/layer-map").locator("canvas")
    places = [(x, y) for y in range(6, 80, 8) for x in range(6, 300, 12)]  # over the legend, which stands above
    for x, y in places:
        canvas.click(position={"x": x, "y": y})
        if "without=" in page.url:
            break
    assert len(set(shown(page, "layer-map")["class_name"])) == len(classes) - 1 == 2
    drawn(page, "small/layer-map").locator("canvas").click(position={"x": x, "y": y})
    assert "without=" not in page.url
    assert set(shown(page, "layer-map")["class_name"]) == classes


def faceted(path):
    """The parts of a saved specification that stand in rows and columns."""
    parts = [json.loads(path.read_text())]
    for part in parts:
        parts += part.get("hconcat", []) + part.get("vconcat", [])
    return [part for part in parts if "facet" in part]


def test_charts_of_many_networks_are_as_wide_as_there_is_room(page):
    page.locator('[data-pin="small/sigmoid-2x6"]').click()
    page.select_option("#add-pin", "small/sigmoid-1x6-bn")
    holder = drawn(page, "small/learning-curves")
    expect(holder.locator("canvas")).to_be_visible()
    holder.scroll_into_view_if_needed()
    page.wait_for_function("holder => !holder.classList.contains('stale')", arg=holder.element_handle())
    assert holder.evaluate("holder => holder.querySelector('canvas').offsetWidth <= holder.clientWidth")


def test_pinned_networks_stand_side_by_side_on_common_scales(page):
    expect(drawn(page, "small/atlas").locator(".atlas-net")).to_have_count(2)
    page.locator('[data-pin="small/sigmoid-2x6"]').click()
    page.select_option("#add-pin", "small/sigmoid-1x6-bn")
    expect(page.locator("#pins li")).to_have_count(4)
    panels = drawn(page, "small/atlas").locator(".atlas-net:has(canvas)")
    expect(panels).to_have_count(4)
    tops = [panels.nth(i).bounding_box()["y"] for i in range(4)]
    assert tops[0] == tops[1] and tops[2] == tops[3]
    assert drawn(page, "small/learning-curves").locator("canvas").count() == 1
    distributions = drawn(page, "small/layer-surface")
    expect(distributions.locator("canvas")).to_be_visible()
    saved_scales = [
        own.get("resolve", {}).get("scale") for own in faceted(saved(page, "small/layer-surface", "Vega-Lite JSON"))
    ]
    assert saved_scales and all(scale == {"x": "shared", "y": "shared"} for scale in saved_scales)
    open_menu(page, "page-menu")
    page.get_by_label("common scales").uncheck()
    expect(distributions.locator("canvas")).to_be_visible()
    saved_scales = [
        own.get("resolve", {}).get("scale") for own in faceted(saved(page, "small/layer-surface", "Vega-Lite JSON"))
    ]
    assert saved_scales and all(scale == {"x": "independent", "y": "independent"} for scale in saved_scales)
    assert "scales=own" in page.url
    page.locator("#pins li").nth(2).locator("summary").click()
    page.get_by_role("button", name="Remove sigmoid 2x6 without BN").click()
    expect(drawn(page, "small/atlas").locator(".atlas-net")).to_have_count(3)


def test_the_page_reads_numbers_as_they_were_written(page, report):
    position = np.arange(5_000)
    written = pl.DataFrame(
        {
            "smooth": np.sin(position / 900), "shares": position % 7 / 6, "random": np.random.default_rng(0).random(5_000),
            "gaps": [None if n % 5 else n / 3 for n in range(5_000)], "text": [HOSTILE, None] * 2_500,
            **{f"counts to {top}": [[n % top, top - n % top] for n in range(5_000)] for top in (9, 300, 70_000)},
        }
    )  # fmt: skip
    write_packed(report.parent / "data" / "small" / "made.js", "small/made", written)
    rows = page.evaluate(
        "async () => { const f = await nodescope.load('small', 'made');"
        " return frames.rows(f, [...Array(f.rows).keys()]).map((row) => Object.fromEntries(Object.entries(row)"
        " .map(([name, value]) => [name, value?.length && typeof value !== 'string' ? [...value] : value]))); }"
    )
    read = pl.DataFrame(rows, schema=written.schema)
    polars.testing.assert_frame_equal(read, written, rel_tol=4e-5)


def test_a_diverged_network_is_shown_as_such(page, small_tables):
    cell = page.locator('[data-pin="small/relu-2x6"]')
    expect(cell).to_contain_text("✕✕")
    cell.click()
    expect(drawn(page, "small/atlas")).to_contain_text("relu 2x6 without BN: no data, because")
    drawn(page, "small/node-kinds")
    expect(box(page, "small/node-kinds").locator(".shown")).to_contain_text("no data for relu 2x6 without BN")
    expect(page.locator("#small-networks")).to_contain_text("2 of the kept networks diverged")


def test_an_address_brings_the_view_back(page, visited, browser, report):
    put(page, 1)
    page.select_option("#split", "test")
    page.select_option("#seed", "1")
    open_menu(page, "filters")
    page.locator('[data-axis="depth"]').get_by_label("2").uncheck()
    page.locator("#pattern").fill("relu")
    open_menu(page, "class-menu")
    page.locator("#classes").get_by_label("plain").uncheck()
    page.locator('[data-pin="small/sigmoid-1x6"]').click()
    drawn(page, "small/atlas").locator('[data-choice="order"]').select_option("mean")
    before = shown(page, "atlas")
    address = page.url
    with visit(browser, viewport={"width": 1440, "height": 900}) as another:
        again = another.open(report, address[address.index("#") :])
        expect(again.locator("#state-name")).to_have_text("after epoch 2")
        expect(again.locator("#pins li")).to_have_count(3)
        assert again.locator("#pattern").input_value() == "relu"
        assert drawn(again, "small/atlas").locator('[data-choice="order"]').input_value() == "mean"
        assert shown(again, "atlas").equals(before)
        another.check()
    assert set(before["state"]) == {"epoch-2"}
    open_menu(page, "page-menu")
    page.locator("#reset").click()
    assert page.url.split("#")[1].partition("?")[2] == ""


def test_what_is_shown_can_be_saved(page, small_tables):
    svg = saved(page, "small/redundancy", "SVG").read_text()
    assert svg.startswith("<svg")
    with Image.open(saved(page, "small/redundancy", "PNG")) as picture:
        assert picture.format == "PNG" and picture.width > 300
    spec = json.loads(saved(page, "small/redundancy", "Vega-Lite JSON").read_text())
    assert spec["$schema"].endswith(".json") and spec["datasets"]
    parquet = shown(page, "redundancy")
    csv = pl.read_csv(saved(page, "small/redundancy", "CSV"), schema=parquet.schema)
    assert csv.equals(parquet)
    table = small_tables["redundancy_summary"].filter(pl.col("state") == "trained").drop_nulls("redundant_share")
    means = table.group_by("configuration", "layer").agg(pl.col("redundant_share").mean())["redundant_share"]
    assert sorted(parquet["mean"].drop_nulls()) == pytest.approx(sorted(means), rel=1e-6)
    curves = shown(page, "learning-curves")
    assert curves.schema["batch_norm" if "batch_norm" in curves.columns else "epoch"] in (pl.Boolean, pl.Int64)
    hostile = shown(page, "atlas")
    assert set(hostile["class_name"]) == set(CLASSES)


def test_a_table_is_sorted_and_filtered(page):
    found = drawn(page, "small/scorecard-claims")
    rows = found.locator("tbody tr")
    before = rows.count()
    found.locator("thead th button").first.click()
    expect(found.locator("thead th").first).to_have_attribute("aria-sort", "ascending")
    cells = [row.locator("td").first.inner_text() for row in rows.all()]
    assert len(set(cells)) > 1 and cells == sorted(cells)
    found.get_by_label("Filter the rows").fill("sigmoid")
    assert 0 < rows.count() < before
    assert all("sigmoid" in row.inner_text().lower() for row in rows.all())


def test_a_published_figure_is_two_clicks_away(page):
    page.locator("nav").get_by_text("Figures by published number").click()
    row = page.locator('#published tr[data-numbers*="figure 5.6;"]')
    expect(row).to_contain_text("blobs, not mnist or fmnist or cifar10")
    row.get_by_role("link").click()
    expect(page.locator("#small-atlas h3")).to_be_in_viewport()
    numbers = page.locator("#published tbody tr").evaluate_all(
        "rows => rows.flatMap((row) => row.dataset.numbers.split('; '))"
    )
    assert {"figure 1.1", "figure 3.10", "figure 4.11", "table 5.2", "figure 6.7", "figure A.6"} <= set(numbers)


def test_search_finds_figures_by_published_number_networks_and_nodes(page):
    page.keyboard.press("Control+k")
    page.keyboard.type("figure 4.8")
    expect(page.locator("#search-found li").first).to_contain_text("published")
    page.keyboard.press("Enter")
    expect(page.locator("#small-atlas h3")).to_be_focused()
    assert "in%3Aatlas.value=median" in page.url
    page.keyboard.press("Control+k")
    page.keyboard.type("1/3")
    expect(page.locator("#search-found li")).to_have_count(2)
    page.keyboard.press("Enter")
    expect(page.locator("#card-title")).to_have_text("relu 1x6 without BN, layer 1, node 3")
    page.go_back()
    expect(page.locator("#card")).to_be_hidden()
    page.keyboard.press("Control+k")
    page.keyboard.type("sigmoid 2x6")
    page.keyboard.press("Enter")
    expect(page.locator("#pins li")).to_have_count(3)
    page.keyboard.press("Control+k")
    page.keyboard.type("no such thing")
    expect(page.locator("#search-found")).to_have_text("Nothing is called so.")


def test_a_network_is_compared_with_itself_in_another_state(page, small_tables):
    page.locator("#pins li").first.locator("summary").click()
    page.get_by_role("button", name="Compare with itself in another state").click()
    expect(page.locator("#pins li")).to_have_text([re.compile("^A"), re.compile("^B"), re.compile("^C.*untrained")])
    rows = shown(page, "atlas")
    assert {*zip(rows["network"], rows["state"], strict=True)} == {
        ("relu 1x6 without BN", "trained"), ("relu 1x6 with BN", "trained"), ("relu 1x6 without BN, untrained", "initial")
    }  # fmt: skip
    put(page, 1)
    assert set(shown(page, "atlas")["state"]) == {"epoch-2", "initial"}
    page.reload()
    expect(page.locator("#pins li")).to_have_count(3)


def test_back_and_forward_go_from_place_to_place(page):
    drawn(page, "small/redundancy")
    page.locator('nav a[href="#small-health"]').click()
    expect(page.locator("#small-health h2")).to_be_in_viewport()
    put(page, 0)
    page.locator('nav a[href="#published"]').click()
    expect(page.locator("#published")).to_be_visible()
    page.go_back()
    expect(page.locator("#small-health h2")).to_be_in_viewport()
    expect(page.locator("#state-name")).to_have_text("untrained")
    page.go_forward()
    expect(page.locator("#published")).to_be_visible()


def test_a_mistyped_address_shows_what_there_is(visited, report):
    page = visited.open(
        report,
        "#small-redundancy?state=bogus&split=none&seed=9&node=small/relu-1x6/9/9&pins=small/nothing,small/relu-1x6@never",
    )
    expect(page.locator("#state-name")).to_have_text("trained")
    expect(page.locator("#card")).to_be_hidden()
    assert "bogus" not in page.url and "node=" not in page.url


def test_the_rows_behind_a_figure_are_shown_on_demand(page):
    around = box(page, "small/redundancy")
    around.get_by_role("button", name="Table", exact=True).click()
    expect(around.locator(".rows tbody tr")).to_have_count(len(shown(page, "redundancy")))
    put(page, 0)
    drawn(page, "small/redundancy")
    expect(around.locator(".rows tbody tr").first).to_be_visible()


def test_a_published_figure_of_medians_leads_to_the_atlas_with_medians(page):
    page.locator("nav").get_by_text("Figures by published number").click()
    page.locator('#published tr[data-numbers*="figure 4.3;"]').get_by_role("link").click()
    expect(drawn(page, "small/atlas").locator('[data-choice="value"]')).to_have_value("median")


def test_the_table_of_contents_follows_the_scroll(page):
    drawn(page, "small/redundancy")
    page.locator("#small-redundancy").scroll_into_view_if_needed()
    page.evaluate("document.getElementById('small-redundancy').scrollIntoView()")
    expect(page.locator('nav a[href="#small-redundancy"]')).to_have_attribute("aria-current", "true")


def test_hostile_names_are_text(visited, report):
    dialogs = []
    visited.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page = visited.open(report)
    assert page.title() == f"Nodes & {HOSTILE}"
    expect(page.locator("#overview h1")).to_have_text(f"Nodes & {HOSTILE}")
    open_menu(page, "class-menu")
    expect(page.locator("#classes")).to_contain_text(HOSTILE)
    for name in ("atlas", "layer-surface"):
        drawn(page, f"small/{name}")
    settings = page.locator("#small-downloads details").filter(has_text="Settings, defaults included")
    settings.locator("summary").click()
    expect(settings.locator("pre")).to_contain_text(f"</script>{HOSTILE}.npz")
    assert dialogs == []


def test_themes_and_controls_on_a_narrow_page(browser, report):
    with visit(browser, viewport={"width": 390, "height": 844}) as visited:
        page = visited.open(report)
        expect(page.locator("#split")).to_be_hidden()
        page.locator("#toggle-controls").click()
        page.select_option("#split", "test")
        open_menu(page, "page-menu")
        page.select_option("#theme", "dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        page.locator("#toggle-contents").click()
        page.locator("nav").get_by_text("How many nodes resemble another?").click()
        expect(page.locator("#small-redundancy h3")).to_be_in_viewport()
        assert "theme=dark" in page.url and "split=test" in page.url
        visited.check()


def test_on_paper_there_are_figures_and_captions_only(page):
    drawn(page, "small/test-accuracy")
    page.emulate_media(media="print")
    expect(page.locator("nav")).to_be_hidden()
    expect(page.locator("#bar")).to_be_hidden()
    expect(box(page, "small/test-accuracy").locator("figcaption")).to_be_visible()


def test_a_dark_page_is_printed_and_saved_as_a_light_one(page):
    theme = (
        "() => [document.documentElement.dataset.theme, document.querySelectorAll('details.method:not([open])').length]"
    )
    open_menu(page, "page-menu")
    page.select_option("#theme", "dark")
    drawn(page, "small/test-accuracy")
    svg = saved(page, "small/test-accuracy", "SVG").read_text()
    assert 'fill="white"' in svg and "#e8e8e8" not in svg
    page.evaluate(f"() => {{ window.print = () => {{ window.printed = ({theme})(); }}; }}")
    open_menu(page, "page-menu")
    page.locator("#print").click()
    page.wait_for_function("window.printed", timeout=120_000)
    assert page.evaluate("window.printed") == ["light", 0]
    name, shut = page.evaluate(theme)
    assert name == "dark" and shut > 0


def test_a_page_without_its_data_says_what_is_missing(browser, report, tmp_path):
    shutil.copy(report, tmp_path / "alone.html")
    with visit(browser) as visited:
        page = visited.open(tmp_path / "alone.html")
        found = page.locator('.chart[data-figure="small/test-accuracy"]')
        found.scroll_into_view_if_needed()
        expect(found).to_contain_text('the folder "data" must lie beside the page')


def test_a_look_into_a_node_without_its_file_says_what_is_missing(browser, report, tmp_path):
    shutil.copytree(report.parent, tmp_path / "copy")
    for path in (tmp_path / "copy" / "data" / "small").glob("node_histograms.*"):
        path.unlink()
    with visit(browser) as visited:
        page = visited.open(tmp_path / "copy" / report.name, "#small-atlas?node=small/relu-1x6/1/0")
        expect(page.locator("#card")).to_contain_text('the folder "data" must lie beside the page')
