"""Draw the figures of a study from its collected tables.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
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
        expand("reports/figures/{study}", study=STUDIES),


rule draw_charts:
    """All figures of a study, for the page and for Snakemake's own report."""
    input:
        tables=chart_tables,
        inspector=inspector_table,
        dataset=dataset_description,
        code=chart_code,
    output:
        charts=report(
            directory("results/{study}/charts"),
            patterns=["{figure}.svg"],
            caption="../report/figure.rst",
            category="{study}",
            subcategory=figure_section,
            labels=figure_labels,
        ),
        data=directory("results/{study}/page"),
    log:
        "logs/{study}/charts.log",
    benchmark:
        "results/{study}/benchmarks/charts/draw_charts.tsv"
    params:
        charts=chart_names,
        options=chart_options,
        states=states_of,
        works=works_of,
        captions=figure_captions,
    script:
        "../scripts/draw_charts.py"


rule draw_figure_files:
    """All figures of a study as files for a paper."""
    input:
        tables=chart_tables,
        dataset=dataset_description,
        code=chart_code,
    output:
        figures=directory("reports/figures/{study}"),
    log:
        "logs/{study}/figure_files.log",
    benchmark:
        "results/{study}/benchmarks/charts/draw_figure_files.tsv"
    params:
        charts=chart_names,
        options=chart_options,
        states=states_of,
        works=works_of,
    script:
        "../scripts/draw_figure_files.py"
