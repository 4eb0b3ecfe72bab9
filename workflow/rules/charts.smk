"""Draw the figures of a study from its collected tables.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/{config,configurations}.json
    results/{study}/layers.parquet
OUTPUTS:
    results/{study}/charts/     what each figure shows at first, as SVG and Vega-Lite JSON; index.json lists the figures
    results/{study}/page/       the data of the figures, which the page loads
    reports/figures/{study}/    on demand: each figure of each configuration as SVG, PNG and Vega-Lite JSON, and its data
"""


localrules:
    draw_charts,
    draw_figure_files,


rule figures:
    """Target: all figures as files for a paper."""
    input:
        expand("reports/figures/{study}", study=flow.studies),


rule draw_charts:
    """All figures of a study, for the page and for Snakemake's own report."""
    input:
        tables=flow.chart_tables,
        dataset=flow.description,
        settings="results/{study}/config.json",
        configurations="results/{study}/configurations.json",
        layers="results/{study}/layers.parquet",
        code=flow.chart_code,
    output:
        charts=report(
            directory("results/{study}/charts"),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="{study}",
            subcategory=flow.section,
            labels=flow.labels,
        ),
        data=directory("results/{study}/page"),
    log:
        "logs/{study}/charts.log",
    params:
        charts=flow.charts,
        options=flow.setting("charts"),
        left_out=flow.left_out,
        captions=flow.captions,
    script:
        "../scripts/draw_charts.py"


rule draw_figure_files:
    """All figures of a study as files for a paper."""
    input:
        tables=flow.chart_tables,
        dataset=flow.description,
        settings="results/{study}/config.json",
        configurations="results/{study}/configurations.json",
        layers="results/{study}/layers.parquet",
        code=flow.chart_code,
    output:
        figures=directory("reports/figures/{study}"),
    log:
        "logs/{study}/figure_files.log",
    params:
        charts=flow.charts,
        options=flow.setting("charts"),
    script:
        "../scripts/draw_figure_files.py"
