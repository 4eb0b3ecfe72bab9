"""Make the figures of a study from its collected tables: for the page, and on demand as files.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/{config,configurations}.json
    results/{study}/layers.parquet
OUTPUTS:
    results/{study}/charts/index.json   lists the figures, with captions
    results/{study}/page/               the data of the figures, which the page draws
    reports/figures/{study}/            on demand: each figure of each configuration, and of all, as SVG, PNG, PDF and Vega-Lite
                                        JSON, and its data; `snakemake figures --report` has them too
"""


localrules:
    draw_charts,
    draw_figure_files,


rule figures:
    """Target: all figures as files, for a paper and for Snakemake's own report."""
    input:
        expand("reports/figures/{study}", study=flow.studies),


rule draw_charts:
    """All figures of a study, for the page."""
    input:
        tables=flow.chart_tables,
        dataset=flow.description,
        settings="results/{study}/config.json",
        configurations="results/{study}/configurations.json",
        layers="results/{study}/layers.parquet",
    output:
        index="results/{study}/charts/index.json",
        data=directory("results/{study}/page"),
    log:
        "logs/{study}/charts.log",
    params:
        charts=flow.charts,
        options=flow.setting("charts"),
        left_out=flow.left_out,
        code=flow.chart_code,
    script:
        "../scripts/draw_charts.py"


rule draw_figure_files:
    """All figures of a study as files."""
    input:
        tables=flow.chart_tables,
        dataset=flow.description,
        settings="results/{study}/config.json",
        configurations="results/{study}/configurations.json",
        layers="results/{study}/layers.parquet",
        index="results/{study}/charts/index.json",
    output:
        figures=report(
            directory("reports/figures/{study}"),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="{study}",
            subcategory=flow.section,
            labels=flow.labels,
        ),
    log:
        "logs/{study}/figure_files.log",
    params:
        charts=flow.charts,
        options=flow.setting("charts"),
        captions=flow.captions,
        code=flow.chart_code,
    script:
        "../scripts/draw_figure_files.py"
