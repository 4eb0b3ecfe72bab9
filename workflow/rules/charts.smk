"""Draw the charts of a study from its collected tables.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
OUTPUTS:
    results/{study}/charts/{chart}/    each figure as Vega-Lite JSON, SVG and PNG; index.json lists them
"""

from nodescope.charts.registry import CHARTS


def chart_tables(wildcards):
    return [f"results/{wildcards.study}/tables/{table}.parquet" for table in CHARTS[wildcards.chart].tables]


def chart_options(_):
    return CONFIG.charts.model_dump(mode="json")


def chart_settings(wildcards):
    """The part of the study's settings that its charts show beside the tables."""
    study = study_of(wildcards)
    return {"dataset": study.dataset.name, "states": grid.states(study), "axes": list(study.grid.axes())} | {
        name: getattr(study.analyses.layer_accuracy, name) for name in CHARTS[wildcards.chart].settings
    }


rule figures:
    """Target: all charts."""
    input:
        all_charts,


rule draw_chart:
    """All figures of one kind."""
    localrule: True
    input:
        tables=chart_tables,
        dataset=dataset_of,
        code=lambda wildcards: code(f"charts/{wildcards.chart}.py", "charts/style.py", "charts/drawing.py"),
    output:
        charts=directory("results/{study}/charts/{chart}"),
    params:
        options=chart_options,
        settings=chart_settings,
    log:
        "logs/{study}/charts/{chart}.log",
    benchmark:
        "results/{study}/benchmarks/charts/{chart}.tsv"
    script:
        "../scripts/draw_chart.py"
