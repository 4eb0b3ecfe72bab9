"""Put the figures of all studies, and where they come from, on one page."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from nodescope import grid
from nodescope.charts.registry import CHARTS
from nodescope.config import Study
from nodescope.errors import DamagedFileError
from nodescope.files import write_text
from nodescope.report.provenance import Provenance, stage_times
from nodescope.tables import read_table


@dataclass(frozen=True)
class PageFigure:
    """A figure as the page shows it."""

    number: int
    anchor: str
    title: str
    caption: str
    reference: str
    specification: Markup | None
    table: dict[str, Any] | None
    files: dict[str, str]


@dataclass(frozen=True)
class PageSection:
    """Figures that belong together."""

    anchor: str
    title: str
    figures: list[PageFigure]


@dataclass(frozen=True)
class PageStudy:
    """A study as the page shows it."""

    name: str
    networks: int
    configurations: int
    seeds: str
    diverged: list[str]
    settings: str
    dataset: dict[str, Any]
    sections: list[PageSection]
    times: list[dict[str, Any]]
    tables: list[str]


def build(path: str | Path, title: str, charts: dict[str, list[str]], results: str | Path) -> None:
    """Write the page.

    Parameters
    ----------
    path
        Of the HTML file.
    title
        Of the page.
    charts
        For each study the kinds of charts that it has, in order.
    results
        The folder of all results.
    """
    results = Path(results)
    links = _relative(results, Path(path).parent)
    studies = []
    number = 0
    for name, kinds in charts.items():
        study, number = _study(name, kinds, results, links, number)
        studies.append(study)
    environment = Environment(
        loader=PackageLoader("nodescope.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["cell"] = _cell
    html = environment.get_template("page.html.jinja").render(
        title=title,
        studies=studies,
        links=links,
        provenance=Provenance.now(),
        vega=Markup(_vega_bundle()),
    )
    write_text(path, html)


def _vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script."""
    script: str = vl_convert.javascript_bundle()  # type: ignore[call-arg]  # its stub lacks the default
    return script.replace("</script", "<\\/script")


def _cell(value: Any) -> str:
    """A value of a table as a reader wants it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def _relative(results: Path, page_folder: Path) -> str:
    return Path(os.path.relpath(results, page_folder)).as_posix()


def _study(name: str, kinds: list[str], results: Path, links: str, number: int) -> tuple[PageStudy, int]:
    folder = results / name
    settings = Study.model_validate(_read_json(folder / "config.json"))
    sections: dict[str, list[PageFigure]] = {}
    for kind in kinds:
        chart_folder = folder / "charts" / kind
        for entry in _read_json(chart_folder / "index.json"):
            number += 1
            figure = _figure(entry, number, name, chart_folder, f"{links}/{name}/charts/{kind}")
            sections.setdefault(CHARTS[kind].section, []).append(figure)
    replicas = read_table(folder / "tables" / "replicas.parquet")
    configurations = grid.configurations(settings)
    study = PageStudy(
        name=name,
        networks=len(configurations) * len(settings.seeds),
        configurations=len(configurations),
        seeds=", ".join(map(str, settings.seeds)),
        diverged=_diverged(replicas),
        settings=json.dumps(settings.model_dump(mode="json"), indent=2, ensure_ascii=False),
        dataset=_read_json(results / "datasets" / f"{settings.dataset.name}.json"),
        sections=[
            PageSection(f"{name}-{index}", title, figures) for index, (title, figures) in enumerate(sections.items())
        ],
        times=stage_times(folder / "benchmarks"),
        tables=grid.table_names(settings),
    )
    return study, number


def _figure(entry: dict[str, Any], number: int, study: str, folder: Path, link: str) -> PageFigure:
    specification = None
    files = {}
    if "chart" in entry:
        text = (folder / entry["chart"]).read_text(encoding="utf-8")
        # Inside a script element only "</" could end it early.
        specification = Markup(text.replace("</", "<\\/"))
        files = {kind: f"{link}/{entry['name']}.{kind}" for kind in ("svg", "png", "vl.json")}
    return PageFigure(
        number=number,
        anchor=f"{study}-{entry['name']}",
        title=entry["title"],
        caption=entry["caption"],
        reference=entry["reference"],
        specification=specification,
        table=entry.get("table"),
        files=files,
    )


def _diverged(replicas: pl.DataFrame) -> list[str]:
    """One sentence per net that was kept and has diverged."""
    lost = replicas.filter(pl.col("chosen"), pl.col("diverged_epoch").is_not_null())
    return [
        f"{row['activation']} {row['depth']}x{row['width']}{' with BN' if row['batch_norm'] else ''}, seed {row['seed']}, "
        f"rate {row['learning_rate']:.3g}: loss not finite after epoch {row['diverged_epoch']}; "
        + (
            "it never had a finite epoch, so its measurements are missing"
            if row["best_epoch"] is None
            else f"the parameters of epoch {row['best_epoch']} are kept"
        )
        for row in lost.iter_rows(named=True)
    ]


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DamagedFileError(
            f"{path} cannot be read ({error}). Hint: delete it; the next run makes it again."
        ) from error
