"""Write ``docs/reproduction.md`` from a finished run: the scorecard, its figures as small images, and where it comes from.

    python -m nodescope.report.reproduction --study mnist-core --command "snakemake --cores 2 --configfile ..."

Experiment notes are kept by hand in a file beside it, which is included as it is.
"""

import argparse
import io
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import vl_convert
import yaml
from PIL import Image

from nodescope.charts.context import Context
from nodescope.charts.drawing import figures_of
from nodescope.charts.figure import Figure
from nodescope.charts.files import static_figures
from nodescope.charts.gallery.scorecard import figures
from nodescope.charts.registry import CHARTS
from nodescope.charts.specification import filled, specification
from nodescope.config.charts import Charts
from nodescope.config.study import FamilyStudy
from nodescope.messages.errors import ConfigError
from nodescope.messages.words import counted
from nodescope.report.markdown import markdown_table
from nodescope.report.provenance import commit_of, stage_times
from nodescope.storage.files import atomic_path, write_text
from nodescope.storage.json_files import read_json
from nodescope.storage.tables import read_table
from nodescope.study.axes import Configurations
from nodescope.study.configurations import configurations_of
from nodescope.study.contents import SCORED_TABLES
from nodescope.study.layout import RESULTS, StudyFiles, description_path
from nodescope.works.published_figures import references
from nodescope.works.registry import works_of
from nodescope.works.scoring import score

#: Of an image, so that the documentation stays light.
LARGEST_WIDTH = 900
COLOURS = 128
#: Of each kind of chart that a claim points to, the first so many images.
FIGURES_OF_A_KIND = 8


@dataclass(frozen=True)
class Run:
    """A finished run of a study.

    Attributes
    ----------
    files : StudyFiles
        Its results.
    study : Study
        Its settings.
    tables : dict
        Those that the scorecard is made from, and ``replicas``.
    class_names : list of str
    command, machine, commit : str
        How it was run, on what, from which sources.
    """

    files: StudyFiles
    study: FamilyStudy
    tables: dict[str, pl.DataFrame]
    class_names: list[str]
    command: str
    machine: str
    commit: str


def read_run(folder: Path, command: str, machine: str, commit: str | None = None) -> Run:
    """Read a run; where no commit is named, its sources are those of the repository that the results lie in."""
    files = StudyFiles(folder)
    study = FamilyStudy.model_validate(read_json(files.settings))
    measured = [name for name in SCORED_TABLES if files.table(name).is_file()]
    tables = {name: read_table(files.table(name)) for name in [*measured, "replicas"]}
    class_names = read_json(description_path(study.dataset, folder.parent))["classes"]
    return Run(files, study, tables, class_names, command, machine, commit or commit_of(folder))


def write(run: Run, output: Path, findings: Path) -> None:
    """Write the page, and its images into a folder of the same name beside it."""
    scored = score(run.tables, run.study)
    shown = {figure.name: figure for figure in figures(scored, _context(run))}
    if "scorecard-summary" not in shown:
        raise ConfigError(
            f"The study '{run.study.name}' names no work whose numbers or claims it could be scored by. Hint: name one in its "
            "configuration, for example works: [pretorius], and run it again."
        )
    images = output.with_suffix("")
    images.mkdir(parents=True, exist_ok=True)
    for old in images.glob("*.png"):
        old.unlink()
    parts = [
        "# The reproduction, scored",
        "Written by `make reproduction-docs` from a finished run; the last section is kept by hand in "
        f"[{findings.name}]({findings.name}).",
        *_provenance(run),
        "## In what this run departs from the source",
        _table(shown["scorecard-differences"]),
        "## Scorecard",
        shown["scorecard-summary"].caption,
        _table(shown["scorecard-summary"]),
        *_comparison(shown.get("scorecard-values"), images),
        *_numbers(shown.get("scorecard-numbers")),
        "## Claims",
        shown["scorecard-claims"].caption,
        _table(shown["scorecard-claims"]),
        "### How each claim is evaluated",
        _table(shown["scorecard-rules"]),
        "## Figures",
        *_figures(run, scored["claims"], images),
        findings.read_text(encoding="utf-8").strip(),
    ]
    write_text(output, "\n\n".join(parts) + "\n")


def this_machine() -> str:
    """Processor and cores in words."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = models[0] if models else platform.processor() or platform.machine()
    return f"{name}, {len(models) or 'unknown'} cores, {platform.system()}"


def _context(run: Run) -> Context:
    return Context(Charts(), run.class_names, Configurations.of(run.study), works_of(run.study.works))


def _provenance(run: Run) -> Iterator[str]:
    times = stage_times(run.files.benchmarks)
    finished = datetime.fromtimestamp(run.files.table("accuracy").stat().st_mtime, UTC)
    total = sum(row["time_s"] for row in times)
    settings = run.study.model_dump(mode="json", exclude_defaults=True)
    yield "## The run"
    yield (
        f"Study `{run.study.name}`: **{run.study.training.epochs} epochs**, "
        f"{counted(len(configurations_of(run.study)), 'configuration')}, {counted(len(run.study.seeds), 'seed')}. "
        f"Trained by {finished:%Y-%m-%d %H:%M} UTC on {run.machine}; {total / 3600:.1f} hours of jobs in all. "
        f"Sources: commit {run.commit}."
    )
    yield f"    {run.command}"
    yield "with this configuration (what it does not name has its default):"
    yield f"```yaml\n{yaml.safe_dump({'studies': [settings]}, sort_keys=False).strip()}\n```"
    if times:
        yield markdown_table(pl.DataFrame(times).rename({"rule": "stage"}))
    yield "Networks that were kept, one line per configuration:"
    yield markdown_table(_kept(run.tables["replicas"], Configurations.of(run.study)))


def _kept(replicas: pl.DataFrame, configurations: Configurations) -> pl.DataFrame:
    return (
        replicas.filter("chosen")
        .group_by(configurations.frame().columns, maintain_order=True)
        .agg(
            pl.col("learning_rate").first().round_sig_figs(3),
            best_epochs=pl.col("best_epoch").cast(pl.String).str.join(", "),
            validation_accuracy_percent=(100 * pl.col("validation_accuracy").mean()).round(2),
            diverged=pl.col("diverged_epoch").count(),
        )
    )


def _numbers(figure: Figure | None) -> Iterator[str]:
    """Of works that print numbers, those that were run."""
    if figure is None:
        return
    yield "## Published numbers that were run"
    yield figure.caption
    yield markdown_table(_of(figure).filter(pl.col("verdict") != "not run"))


def _comparison(figure: Figure | None, images: Path) -> Iterator[str]:
    if figure is None or figure.chart is None:
        return
    spec = filled(*specification(figure.chart))
    _write_small(_picture(spec), images / f"{figure.name}.png")
    yield f"![{figure.title}]({images.name}/{figure.name}.png)"
    yield figure.caption


def _figures(run: Run, claims: pl.DataFrame, images: Path) -> Iterator[str]:
    """Figures of each kind that a claim points to, as far as the run has the tables that they are drawn from."""
    judged = claims.filter(pl.col("verdict") != "not run")["charts"].str.split(", ").explode()
    context = _context(run)
    for kind in judged.unique(maintain_order=True):
        if not all(run.files.table(table).is_file() for table in CHARTS[kind].tables):
            continue
        left = FIGURES_OF_A_KIND
        for _, figure in figures_of([kind], run.files, context):
            drawn = [(name, spec) for name, spec, _ in static_figures(figure, context) if spec is not None][:left]
            left -= len(drawn)
            if drawn:
                yield f"### {figure.title}"
            for name, spec in drawn:
                _write_small(_picture(spec), images / f"{name}.png")
                yield f"![{figure.title}]({images.name}/{name}.png)"
            if drawn:
                yield " ".join([figure.caption, *(f"{found}." for found in references(context.works, figure.name))])


def _picture(spec: dict[str, Any]) -> Image.Image:
    return Image.open(io.BytesIO(vl_convert.vegalite_to_png(spec, scale=1.3)))


def _write_small(picture: Image.Image, path: Path) -> None:
    """Shrink to `LARGEST_WIDTH`, reduce to `COLOURS`."""
    small = picture.convert("RGB")
    small.thumbnail((LARGEST_WIDTH, 4 * LARGEST_WIDTH), Image.Resampling.LANCZOS)
    with atomic_path(path) as temporary:
        small.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            temporary, format="PNG", optimize=True
        )


def _of(figure: Figure) -> pl.DataFrame:
    assert figure.table is not None
    return figure.table


def _table(figure: Figure) -> str:
    return markdown_table(_of(figure))


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write docs/reproduction.md from a finished run.")
    parser.add_argument("--results", type=Path, default=Path(RESULTS), help="folder of all results")
    parser.add_argument("--study", default="mnist-core", help="which study to score")
    parser.add_argument("--command", required=True, help="by which it was run")
    parser.add_argument("--machine", default=this_machine(), help="on which it was run; left out: this one")
    parser.add_argument("--commit", help="of its sources; left out: of the repository that the results lie in")
    parser.add_argument("--output", type=Path, default=Path("docs/reproduction.md"))
    parser.add_argument(
        "--findings", type=Path, default=Path("docs/reproduction_findings.md"), help="included at the end"
    )
    chosen: Any = parser.parse_args(arguments)
    run = read_run(chosen.results / chosen.study, chosen.command, chosen.machine, chosen.commit)
    write(run, chosen.output, chosen.findings)


if __name__ == "__main__":
    main()
