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


def dataset_description(wildcards):
    return f"results/datasets/{study_of(wildcards).dataset.name}.json"


rule figures:
    """Target: all charts."""
    input:
        all_charts,


rule draw_chart:
    """All figures of one kind."""
    localrule: True
    input:
        tables=chart_tables,
        dataset=dataset_description,
        code=lambda wildcards: code(f"charts/{wildcards.chart}.py", "charts/context.py", "charts/raster.py", "charts/drawing.py"),
    output:
        charts=directory("results/{study}/charts/{chart}"),
    params:
        options=chart_options,
        states=states_of,
    log:
        "logs/{study}/charts/{chart}.log",
    benchmark:
        "results/{study}/benchmarks/charts/{chart}.tsv"
    script:
        "../scripts/draw_chart.py"
