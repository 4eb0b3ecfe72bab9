"""Put the figures of all studies, and where they come from, on one page."""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from nodescope.analyses import WHERE_MISSING
from nodescope.charts.chart import CHAPTERS
from nodescope.charts.labels import state_label
from nodescope.config.charts import Charts
from nodescope.config.study import study_of
from nodescope.estimates.suggestions import resource_table, suggested_settings
from nodescope.jobs.status import JobStatus
from nodescope.messages.words import counted, duration, named_seeds
from nodescope.report.layers import LayerTable, layer_tables, names_of
from nodescope.report.methods import Method, methods_of
from nodescope.report.overview import Overview, overview, question_of, said_findings
from nodescope.report.page_figures import Chapter, PageFigure, page_figure, shown_elsewhere
from nodescope.report.provenance import Provenance, stage_times
from nodescope.report.published import index_of
from nodescope.report.scripts import library_script, page_script, page_style
from nodescope.storage.files import write_text
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import class_names_of, read_table, scan_table
from nodescope.study.axes import Configurations
from nodescope.study.contents import COMPARISON_TABLE, analyses_left_out, table_names
from nodescope.study.layer_names import read_layers
from nodescope.study.layout import StudyFiles, description_path
from nodescope.study.words import Words
from nodescope.works.registry import works_of
from nodescope.works.work import Work


@dataclass(frozen=True)
class PageStudy:
    """A study as the page shows it."""

    name: str
    words: Words
    trained_here: bool
    seeds: str
    settings: str
    dataset: dict[str, Any]
    warnings: list[str]
    decisions: list[str]
    overview: Overview
    chapters: list[Chapter]
    elsewhere: list[PageFigure]
    question: str
    findings: list[dict[str, Any]]
    works: tuple[Work, ...]
    absent: list[str]
    left_out: list[tuple[str, str]]
    methods: list[Method]
    times: list[dict[str, Any]]
    resources: list[dict[str, Any]]
    suggested_settings: str
    layers: list[LayerTable]
    tables: list[str]
    data: dict[str, Any]

    @property
    def numbers(self) -> dict[str, tuple[str, str]]:
        """Number and name of the first figure of each kind of chart."""
        found: dict[str, tuple[str, str]] = {}
        for figure in [*(figure for chapter in self.chapters for figure in chapter.figures), *self.elsewhere]:
            found.setdefault(figure.entry["chart"], (figure.number, figure.entry["name"]))
        return found


def build(
    path: str | Path,
    title: str,
    studies: list[str],
    results: str | Path | Mapping[str, Path],
    charts: Charts,
    unfinished: Sequence[JobStatus] = (),
) -> None:
    """Write the page.

    Parameters
    ----------
    path
        Of the HTML file. The figures' data lie beside it in ``data/STUDY``, see `nodescope.charts.drawing.draw`.
    title
        Of the page.
    studies
        Their names, in order.
    results
        The folder of all results, or that of each study.
    charts
        How figures look.
    unfinished
        The jobs that are not done, for a report of a part.
    """
    folders = results if isinstance(results, Mapping) else dict.fromkeys(studies, Path(results))
    shown = [_study(name, folders[name], charts) for name in studies]
    environment = Environment(
        loader=PackageLoader("nodescope.report", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["duration"] = duration
    environment.filters["cell"] = _cell
    environment.filters["aside"] = _aside
    environment.filters["counted"] = counted
    environment.filters["code"] = _with_code
    environment.filters["whole"] = lambda value: (
        "" if value is None else f"{value:,}" if isinstance(value, int) else value
    )
    html = environment.get_template("page.html.jinja").render(
        title=title,
        studies=shown,
        numbers=("layer", "nodes", "positions", "parameters", "fan_in"),
        several=sum(len(study.data["configurations"]) for study in shown) > 1,
        unfinished=unfinished,
        published=index_of(
            (study.name, study.dataset["source"].get("source", study.dataset["source"]["name"]), figure)
            for study in shown
            for figure in (*(each for chapter in study.chapters for each in chapter.figures), *study.elsewhere)
        ),
        sources=_sources(shown),
        links={name: Path(os.path.relpath(folders[name], Path(path).parent)).as_posix() for name in studies},
        provenance=Provenance.now(),
        configuration=_digest(shown),
        data=_script_json({"studies": [study.data for study in shown]}),
        library_script=library_script(),
        page_script=page_script(),
        styles=page_style(),
        vega=Markup(_vega_bundle()),
    )
    write_text(path, html)


def _sources(studies: list[PageStudy]) -> list[str]:
    """The works that the studies are compared with, and those that they build on."""
    works = [work for study in studies for work in study.works]
    return list(dict.fromkeys(title for work in works for title in (work.title, *work.related)))


def _digest(studies: list[PageStudy]) -> str:
    """Eight digits that stand for the settings of the studies, defaults included."""
    return hashlib.sha256("\n".join(study.settings for study in studies).encode()).hexdigest()[:8]


def _vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub lacks the default
    return script.replace("</script", "<\\/script")


def _cell(value: Any) -> str:
    """A number of a table as a reader wants it; nothing where it is missing."""
    if value is None:
        return ""
    return (
        f"{value:.3g}"
        if isinstance(value, float) and value < 100
        else f"{value:,.0f}"
        if isinstance(value, float)
        else str(value)
    )


def _aside(sentence: str) -> Markup:
    """A sentence with what stands in parentheses set apart."""
    parts = re.split(r"(\([^()]*\))", sentence)
    return Markup("").join(
        Markup('<span class="aside">{}</span>').format(p) if i % 2 else escape(p) for i, p in enumerate(parts)
    )


def _script_json(value: Any) -> Markup:
    """JSON inside a script element: only "</" and "<!--" could end it or change how it is read."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))


def _with_code(text: str) -> Markup:
    """Text of a docstring: what stands between double backticks as code."""
    parts = text.split("``")
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))


def _study(name: str, results: Path, charts: Charts) -> PageStudy:
    files = StudyFiles.of(name, results)
    settings = study_of(read_json(files.settings))
    dataset = read_json(description_path(settings.dataset, results))
    index = read_json(files.figure_index)
    figures: dict[str, list[PageFigure]] = {}
    by_name: dict[str, PageFigure] = {}
    # Those for special questions come last in their chapter.
    for entry in sorted(index["figures"], key=lambda entry: bool(entry.get("collapsed"))):
        if "shown_in" in entry:
            continue
        of_chapter = figures.setdefault(entry["section"], [])
        number = f"{CHAPTERS[entry['section']]}.{len(of_chapter) + 1}"
        by_name[entry["name"]] = page_figure(entry, number, name)
        of_chapter.append(by_name[entry["name"]])
    elsewhere = [
        shown_elsewhere(entry, name, by_name.get(entry["shown_in"]["figure"]))
        for entry in index["figures"]
        if "shown_in" in entry and entry["shown_in"]["figure"] in (*by_name, "methods")
    ]
    configurations = Configurations.read(files.configurations)
    chapters = [
        Chapter(CHAPTERS[title], f"{name}-{_anchor(title)}", title, of_chapter) for title, of_chapter in figures.items()
    ]
    findings = said_findings(files.findings)
    colours = charts.class_colours
    resources = resource_table(settings, files)
    compared = files.table(COMPARISON_TABLE)
    words = replace(configurations.words, has_classes=len(dataset["classes"]) > 1)
    left_out = analyses_left_out(settings, dataset)
    accuracy = read_table(files.table("accuracy"))
    layers = read_layers(files)
    return PageStudy(
        name=name,
        words=words,
        trained_here=accuracy["learning_rate"].count() > 0,
        seeds=named_seeds(configurations.seeds),
        settings=json.dumps(settings.model_dump(mode="json"), indent=2, ensure_ascii=False),
        dataset=dataset,
        warnings=dataset.get("warnings", []),
        decisions=[*dataset.get("decisions", []), *dataset.get("notes", [])],
        overview=overview(
            configurations,
            accuracy,
            read_table(files.table("replicas")),
            scan_table(files.table("learning_curves")),
            read_table(compared) if compared.is_file() else None,
        ),
        chapters=chapters,
        elsewhere=elsewhere,
        question=question_of(configurations),
        findings=findings,
        works=works_of(settings.works),
        absent=_absent(dataset, left_out),
        left_out=[(name.replace("_", " "), reason) for name, reason in {**left_out, **index["left_out"]}.items()],
        methods=methods_of(settings, dataset),
        times=stage_times(files.benchmarks),
        resources=resources.to_dicts(),
        suggested_settings=suggested_settings(resources, settings),
        layers=layer_tables(layers, configurations.labels),
        tables=[table for table in table_names(settings) if _has_rows(files.table(table))],
        data={
            "name": name,
            "dataset": settings.dataset.name,
            "classes": class_names_of(dataset["classes"]),
            "has_classes": words.has_classes,
            "palette": colours[: len(class_names_of(dataset["classes"]))],
            "states": [
                {"name": state, "label": state_label(state) if words.several_states else ""}
                for state in configurations.states
            ],
            "splits": list(dataset["splits"]),
            "seeds": [str(seed) for seed in configurations.seeds],
            "threshold": settings.theta_threshold,
            "features": dataset.get("feature_names", []),
            "axes": {
                axis.name: {"title": axis.title, "values": axis.values, "words": axis.words}
                for axis in configurations.axes
            },
            "configurations": [
                {
                    "name": identifier,
                    "label": label,
                    "axes": configurations.values(identifier),
                    **names_of(identifier, layers, files),
                }
                for identifier, label in configurations.labels.items()
            ],
            "figures": [figure.entry for chapter in chapters for figure in chapter.figures],
            "findings": findings,
        },
    )


def _has_rows(table: Path) -> bool:
    """Whether a collected table has any; what is not collected has none."""
    return table.is_file() and scan_table(table).select(pl.len()).collect().item() > 0


def _absent(dataset: dict[str, Any], left_out: Mapping[str, str]) -> list[str]:
    """What the samples or networks lack, and what follows from that, a sentence each."""
    classes, splits = dataset["classes"], list(dataset["splits"])
    said = []
    if len(classes) < 2:
        which = f"All samples are of one class, {classes[0]}" if classes else "The samples have no classes"
        said.append(f"{which}: figures that compare classes are left out, all others show all samples together.")
    if "train" not in splits:
        said.append(f"There are no training samples: figures show the {min(splits)} samples at first.")
    if WHERE_MISSING["network"] in left_out.values():
        said.append(f"{WHERE_MISSING['network'].capitalize()}: their weights and gradients are left out.")
    return said


def _anchor(title: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in title.lower()).split())
