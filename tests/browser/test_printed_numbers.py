"""Every number that a finding or a node card prints, once more from the tables: by polars, without the package's functions."""

import json
import math
import re
from collections.abc import Callable

import polars as pl
import pytest
from browsing import needs_chromium, open_browser, visit
from playwright.sync_api import expect
from tasks_report import STATES, TasksReport

CLASSES = [str(c) for c in range(10)]
NETWORK = ["configuration", "seed"]
#: The two-sided 95 % quantile of Student's distribution with one degree of freedom, and of the normal distribution.
T_OF_TWO_SEEDS, NORMAL = 12.706204736, 1.959963985
WORDS = {word: str(n) for n, word in enumerate(
    ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
)} | {"both": "2"}  # fmt: skip
#: What belongs to the words of a sentence: names of networks, rules, and what an interval is.
CONSTANT = re.compile(
    r"relu 2x40 with(out)? BN|95 % interval|first and last|on for at least 80 % of its training samples and at most 20 % of "
    r"those of any other|within one point|one at a time|to one class alone|first epoch|absolute correlation of at least 0\.9|NC1"
    r"|at most 0\.025 of|one day"
)


def numbers_in(sentence: str) -> list[str]:
    """The numbers of a sentence, with their sign and decimals; small ones may be words."""
    plain = CONSTANT.sub("", sentence)
    plain = re.sub(r"\b(" + "|".join(WORDS) + r")\b", lambda found: WORDS[found[0].lower()], plain, flags=re.I)
    return [each.replace(",", "") for each in re.findall(r"(?<![\w.])[+-]?\d+(?:,\d{3})*(?:\.\d+)?", plain)]


def share(value: float) -> str:
    return f"{100 * value:.1f}"


def interval(values: pl.Series, low: float = -math.inf, high: float = math.inf) -> tuple[float, float]:
    """Of a mean of two seeds, within what is possible."""
    half = T_OF_TWO_SEEDS * values.std() / math.sqrt(2)
    return max(low, values.mean() - half), min(high, values.mean() + half)


def by_seed(frame: pl.DataFrame, value: str) -> pl.Series:
    """Averaged over the configurations of each seed."""
    return frame.group_by("seed").agg(pl.col(value).mean()).sort("seed")[value]


def change_numbers(ends: pl.DataFrame, form: str, scale: float = 100, bound: float = 1.0) -> list[str]:
    """What a sentence on a change says: from, to, difference and its interval, in how many, and where most."""
    differences = ends.with_columns(change=pl.col("last") - pl.col("first"))
    seeds = by_seed(differences, "change")
    centre, (low, high) = seeds.mean(), interval(seeds, -bound, bound)
    configurations = differences.group_by("configuration").agg(pl.col("change").mean())["change"]
    alike = ((configurations > 0) if centre > 0 else (configurations < 0)).sum()
    most = configurations.max() if centre > 0 else configurations.min()
    plain = [f"{scale * by_seed(ends, name).mean():{form}}" for name in ("first", "last")]
    signed = [f"{scale * each:+{form}}" for each in (centre, low, high, most)]
    return [*plain, *signed, str(alike), "2"]


def ends_of_layers(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    known = frame.drop_nulls(value).group_by(*NETWORK, "layer").agg(pl.col(value).mean())
    wide = known.filter(layer=1).rename({value: "first"}).join(
        known.filter(layer=2).rename({value: "last"}), on=NETWORK
    )  # fmt: skip
    return wide.select(*NETWORK, "first", "last")


def ends_of_training(frame: pl.DataFrame, value: str) -> pl.DataFrame:
    """The mean of a network's layers before and after training."""
    layers = frame.drop_nulls(value).group_by(*NETWORK, "state", "layer").agg(pl.col(value).mean())
    known = layers.group_by(*NETWORK, "state").agg(pl.col(value).mean())
    return known.filter(state="initial").select(*NETWORK, first=value).join(
        known.filter(state="trained").select(*NETWORK, last=value), on=NETWORK
    )  # fmt: skip


def best_configuration(report: TasksReport) -> list[str]:
    test = report.table("accuracy").filter(split="test").group_by("configuration").agg(pl.col("accuracy").mean())
    validation = report.table("accuracy").filter(split="validation").group_by("configuration").agg(
        pl.col("accuracy").mean()
    )  # fmt: skip
    best = validation.sort("accuracy")["configuration"][-1]
    values = dict(test.rows())
    (difference,) = [value - values[best] for name, value in values.items() if name != best]
    row = report.table("comparisons").filter(~pl.col("is_best")).row(0, named=True)
    ends = [f"{100 * row[name]:+.2f}" for name in ("interval_low", "interval_high")]
    return ["2", share(values[best]), "359", f"{100 * difference:+.2f}", str(round(abs(difference) * 359)), *ends]


def dead_shares(report: TasksReport) -> pl.DataFrame:
    rows = report.table("dead_nodes").filter(split="train", state="trained")
    return rows.group_by(NETWORK).agg(value=pl.col("dead").sum() / pl.col("nodes").sum())


def batch_norm_and_dead_nodes(report: TasksReport) -> list[str]:
    shares = dead_shares(report).sort("seed")
    having, lacking = (shares.filter(configuration=name)["value"] for name in ("relu-2x40-bn", "relu-2x40"))
    ends = interval(having - lacking, -1, 1)
    return [share(having.mean()), share(lacking.mean()), *(f"{100 * each:+.2f}" for each in ((having - lacking).mean(), *ends)),
            *(share(each) for each in interval(lacking, 0, 1))]  # fmt: skip


def dead_nodes(report: TasksReport) -> list[str]:
    shares = dead_shares(report)
    means = shares.group_by("configuration").agg(pl.col("value").mean()).sort("value")
    most = shares.filter(configuration=means["configuration"][-1])["value"]
    return [share(most.mean()), *(share(each) for each in interval(most, 0, 1)), str((means["value"] == 0).sum()), "2"]


def when_nodes_died(report: TasksReport) -> list[str]:
    dead = report.table("node_fates").filter(pl.col("fate").is_in(["always_dead", "died"]), split="train")
    always, died = dead.filter(fate="always_dead"), dead.filter(fate="died")
    soon = died.filter(pl.col("since") <= 1)
    seeds = dead.group_by("seed").agg(
        value=((pl.col("fate") == "always_dead") | (pl.col("since") <= 1)).fill_null(value=False).mean()
    )["value"]
    return [str(len(dead)), str(dead.select(NETWORK).n_unique()), "4", str(len(always)), str(len(soon)), str(len(died) - len(soon)),
            share((len(always) + len(soon)) / len(dead)), *(share(each) for each in interval(seeds, 0, 1))]  # fmt: skip


def first_layer_readout(report: TasksReport) -> list[str]:
    rows = report.table("layer_accuracy").filter(split="test", state="trained", layer=1)
    values, switches = (rows.filter(system=name).sort(NETWORK) for name in ("continuous", "discrete"))
    differences = values.with_columns(value=values["accuracy"] - switches["accuracy"])
    seeds = by_seed(differences, "value")
    p, q = values["accuracy"].mean(), switches["accuracy"].mean()
    return ["359", share(p), share(q), "2", f"{100 * seeds.mean():+.2f}"]  # its interval is checked below


def class_leads(report: TasksReport) -> list[str]:
    keys = [*NETWORK, "layer", "node"]
    nodes = (
        report.table("activity").filter(split="train", state="trained").sort("active_share", descending=True)
        .group_by(keys).agg(first=pl.col("active_share").get(0), second=pl.col("active_share").get(1),
                            own=pl.col("class").get(0), next=pl.col("class").get(1))
    )  # fmt: skip
    alone = nodes.filter(pl.col("first") >= 0.8, pl.col("second") <= 0.2)
    best = nodes.with_columns(lead=(pl.col("first") - pl.col("second")).round(12)).sort(
        "lead", *keys, descending=[True, *[False] * 4]
    ).row(0, named=True)  # fmt: skip
    return [str(len(alone)), str(len(nodes)), "4", *map(str, alone["layer"].unique()), share(best["lead"]), share(best["first"]),
            share(best["second"]), *(str(best[name]) for name in ("node", "layer", "seed", "own", "next"))]  # fmt: skip


def harmless_nodes(report: TasksReport) -> list[str]:
    nodes = report.table("ablation").filter(kind="mean", state="trained").drop_nulls("lost")
    net = pl.col("lost") - pl.col("gained")
    worst = nodes.with_columns(net=net).sort("net", "loss_change", descending=True).row(0, named=True)
    return [share((nodes["lost"] == 0).mean()), str(len(nodes)), "4", "359",
            *(str(worst[name]) for name in ("node", "layer", "seed", "net"))]  # fmt: skip


def class_confusion(report: TasksReport) -> list[str]:
    table = report.table("confusion").filter(split="test", state="trained")
    wrong = table.filter(pl.col("class") != pl.col("predicted"))
    first = wrong.group_by("class", "predicted").agg(pl.col("count").sum(), nets=(pl.col("count") > 0).sum()).sort(
        "count", "class", "predicted", descending=[True, False, False]
    ).row(0, named=True)  # fmt: skip
    return [*(str(first[name]) for name in ("class", "predicted", "count", "nets")), str(wrong["count"].sum()),
            share(first["count"] / wrong["count"].sum()), "4"]  # fmt: skip


def accuracy_saturates(report: TasksReport) -> list[str]:
    rows = report.table("layer_accuracy").filter(split="test", state="trained", system="continuous")
    near = rows.group_by(NETWORK).agg(
        first=pl.col("accuracy").filter(pl.col("layer") == 1).first() >= pl.col("accuracy").max() - 0.01 - 1e-12
    )["first"]
    median = 1 if 2 * near.sum() >= len(near) else 2
    return [str(near.sum()), str(len(near)), "359", str(median)]


def pattern_groups(report: TasksReport) -> list[str]:
    rows = report.table("patterns").filter(split="train", state="trained").with_columns(
        value=pl.col("distinct") / pl.col("samples")
    )  # fmt: skip
    least = rows.sort("value", *NETWORK, "layer").row(0, named=True)
    return [*(str(least[name]) for name in ("layer", "seed", "distinct", "samples")), share(least["value"])]


def always_on(report: TasksReport) -> list[str]:
    kinds = report.table("node_kinds").filter(split="train", state="trained")
    on = kinds.filter(kind="always_on")
    most = (
        kinds.group_by("configuration", "layer").agg(value=(pl.col("kind") == "always_on").mean()).sort("value").row(-1)
    )
    return [str(len(on)), str(len(kinds)), "4", share(len(on) / len(kinds)), str(most[1]), share(most[2])]


def changes(
    table: str,
    value: str,
    *,
    over: str,
    split: str = "train",
    form: str = ".1f",
    scale: float = 100,
    bound: float = 1.0,
):
    def numbers(report: TasksReport) -> list[str]:
        rows = report.table(table).filter(split=split)
        ends = (
            ends_of_training(rows, value) if over == "training" else ends_of_layers(rows.filter(state="trained"), value)
        )
        return change_numbers(ends, form, scale, bound)

    return numbers


def divergence(report: TasksReport) -> list[str]:
    return [str(report.table("accuracy").select(NETWORK).n_unique()), "0"]


def kept_epoch_at_end(report: TasksReport) -> list[str]:
    kept = report.table("accuracy").unique(NETWORK)
    return [str((kept["best_epoch"] == 4).sum()), str(len(kept)), "4"]


FINDINGS: dict[str, Callable[[TasksReport], list[str]]] = {
    "best_configuration": best_configuration,
    "batch_norm_and_dead_nodes": batch_norm_and_dead_nodes,
    "dead_nodes": dead_nodes,
    "when_nodes_died": when_nodes_died,
    "class_leads": class_leads,
    "harmless_nodes": harmless_nodes,
    "class_confusion": class_confusion,
    "accuracy_saturates": accuracy_saturates,
    "pattern_groups": pattern_groups,
    "always_on": always_on,
    "divergence": divergence,
    "kept_epoch_at_end": kept_epoch_at_end,
    "selectivity_in_training": changes("selectivity", "class_share", over="training"),
    "selectivity_by_depth": changes("selectivity", "class_share", over="depth"),
    "redundancy_by_depth": changes("redundancy_summary", "redundant_share", over="depth"),
    "collapse_by_depth": changes("collapse", "nc1", over="depth", form=".2f", scale=1, bound=math.inf),
    "dimension_by_depth": changes("dimension", "participation_ratio", over="depth", scale=1, bound=math.inf),
    "oui_in_training": changes("oui", "oui", over="training", form=".2f", scale=1),
}


@pytest.fixture(scope="module")
def said(tasks_report) -> dict[str, str]:
    """The sentences of the findings, those that may not be said too."""
    found = json.loads((tasks_report.folder / "results" / "digits" / "findings.json").read_text())["findings"]
    return {each["name"]: each["sentence"] for each in found}


@pytest.mark.parametrize("name", FINDINGS)
def test_every_number_of_a_finding_is_that_of_the_tables(said, tasks_report, name):
    printed = numbers_in(said[name])
    assert printed
    expected = FINDINGS[name](tasks_report)
    assert set(printed) <= set(expected), (said[name], printed, expected)


def test_the_first_layers_sentence_has_the_noise_of_seeds_and_samples(said, tasks_report):
    sentence = said["first_layer_readout"]
    *numbers, low, high = numbers_in(sentence)
    assert set(numbers) <= set(first_layer_readout(tasks_report)), (sentence, numbers)
    low, high = float(low), float(high)
    centre = float(first_layer_readout(tasks_report)[-1])
    rows = tasks_report.table("layer_accuracy").filter(split="test", state="trained", layer=1)
    error = 100 * math.sqrt(sum(
        p * (1 - p) / 359 for p in rows.group_by("system").agg(pl.col("accuracy").mean()).filter(
            pl.col("system").is_in(["continuous", "discrete"])
        )["accuracy"]
    ))  # fmt: skip
    assert high - centre == pytest.approx(centre - low, abs=0.02)
    assert NORMAL * error - 0.02 <= high - centre <= T_OF_TWO_SEEDS * error


def shown_share(value: float) -> str:
    percent = 100 * value
    return f"{percent:.1f} %" if value not in (0, 1) and round(percent) in (0, 100) else f"{round(percent)} %"


def significant(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


@needs_chromium
@pytest.mark.parametrize(("configuration", "layer", "node"), [("relu-2x40", 2, 37), ("relu-2x40-bn", 1, 5)])
def test_every_number_of_the_node_card_is_that_of_the_tables(tasks_report, configuration, layer, node):
    where = {"configuration": configuration, "seed": 0, "layer": layer, "node": node}

    def rows(name: str, **further: object) -> pl.DataFrame:
        return tasks_report.table(name).filter(**where, **further)

    def floats(text: str) -> list[float]:
        return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", text)]

    with open_browser() as browser, visit(browser, viewport={"width": 1440, "height": 1000}) as visited:
        page = visited.open(tasks_report.html, f"#digits-atlas?node=digits/{configuration}/{layer}/{node}")
        card = page.locator("#card")
        expect(card.locator(".by-class tbody tr")).to_have_count(10, timeout=60_000)
        own = dict(rows("activity", state="trained", split="train")["class", "active_share"].rows())
        sentence = card.locator(".sentence").inner_text().partition("; never dead")[0].partition("; dead")[0]
        shares = {shown_share(value) for value in own.values()}
        assert sentence
        for low, high in re.findall(r"(?:([\d.]+) to )?([\d.]+ %)", sentence):
            assert high in shares and (not low or f"{low} %" in shares), sentence
        counts = [int(each) for each in re.findall(r"(\d+) (?:more in|of 10 classes)", sentence)]
        assert all(1 <= count <= 10 for count in counts)

        facts = card.locator(".facts").inner_text()
        selective = rows("selectivity", state="trained", split="train").row(0, named=True)
        explained = re.search(r"Classes explain ([\d.]+ %)", facts)
        if selective["class_share"] is not None:
            assert explained and explained[1] == shown_share(selective["class_share"])
            assert f"they are highest for {CLASSES[selective['preferred_class']]}" in facts

        tops = rows("top_samples", state="trained", split="test")
        titles = [each.get_attribute("title") for each in card.locator("[data-sample]").all()]
        assert len(titles) == len(tops)
        for title in titles:
            sample, label, z = re.fullmatch(r"sample (\d+), (\d), z = (\S+)", title).groups()
            row = tops.filter(sample=int(sample)).row(0, named=True)
            assert int(label) == row["label"] and float(z) == pytest.approx(row["z"], rel=1e-3, abs=1e-6)

        for image, name in ((card.locator("figure.image"), "mean_inputs"),):
            for caption in image.locator("figcaption").all_inner_texts():
                kept = rows("weight_images" if caption.startswith("Weights") else name, state="trained").row(
                    0, named=True
                )
                low, high = floats(caption)[-2:]
                assert (low, high) == pytest.approx((kept["low"], kept["high"]), rel=1e-3)

        strip = card.locator("canvas[role=img]").get_attribute("aria-label")
        for state, label in STATES.items():
            of_state = dict(rows("activity", state=state, split="train")["class", "active_share"].rows())
            assert f"{label}: " + ", ".join(f"{c} {shown_share(of_state[c])}" for c in range(10)) in strip

        effects = rows("ablation_classes", state="trained", kind="mean")
        medians = dict(rows("medians", state="trained", split="train")["class", "median"].rows())
        histograms = rows("node_histograms", state="trained", split="train", kind="pre")
        for line in card.locator(".by-class tbody tr").all():
            c = int(line.get_attribute("data-class"))
            assert line.locator(".share-bar").inner_text() == shown_share(own[c])
            assert float(line.locator("td.number").inner_text()) == significant(medians[c], 3)
            effect = effects.filter(pl.col("class") == c).row(0, named=True)
            bar = line.locator(".effect-bar")
            assert float(bar.inner_text()) == significant(effect["loss_change"], 2)
            error = floats(bar.get_attribute("title"))
            assert not error or error[0] == pytest.approx(effect["standard_error"], rel=1e-3)
            ends = floats(line.locator(".ridge").get_attribute("aria-label"))[:2]
            bars = histograms.filter(pl.col("class") == c).row(0, named=True)
            assert ends == pytest.approx([bars["low"], bars["high"]], rel=2e-3, abs=1e-3)

        effect = rows("ablation", state="trained", kind="mean").row(0, named=True)
        said = card.locator(".effect").inner_text()
        if effect["loss_change"]:
            change, error = re.search(r"by (\S+) ± (\d+(?:\.\d+)?(?:e-\d+)?)", said).groups()
            assert float(change) == significant(abs(effect["loss_change"]), 2)
            assert float(error) == significant(effect["standard_error"], 2)
            assert ("rises" in said) == (effect["loss_change"] > 0)
        assert f"{effect['lost']} sample" in said and f"{effect['gained']} newly right" in said

        near = rows("redundancy", state="trained").row(0, named=True)
        alike = card.locator(".kin").inner_text()
        if near["nearest"] is not None:
            assert f"of this layer: node {layer}/{near['nearest']}, r = {near['nearest_correlation']:.2f}" in alike
        for other in rows("kin").drop_nulls("nearest").iter_rows(named=True):
            whose = f"of seed {other['other_seed']}" if other["other_seed"] else STATES[other["other_state"]]
            assert f"{whose}: node {layer}/{other['nearest']}, r = {other['nearest_correlation']:.2f}" in alike
        visited.check()
