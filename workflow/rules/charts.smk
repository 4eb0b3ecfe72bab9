"""Draw the charts of a study from its collected tables.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
OUTPUTS:
    results/{study}/charts/{chart}/    each figure as Vega-Lite JSON, SVG and PNG; index.json lists them
"""


localrules:
    draw_chart,


rule figures:
    """Target: all charts."""
    input:
        all_charts,


rule draw_chart:
    """All figures of one kind."""
    input:
        tables=chart_tables,
        dataset=dataset_description,
        code=chart_code,
    output:
        charts=directory("results/{study}/charts/{chart}"),
    log:
        "logs/{study}/charts/{chart}.log",
    benchmark:
        "results/{study}/benchmarks/charts/{chart}.tsv"
    params:
        options=chart_options,
        states=states_of,
    script:
        "../scripts/draw_chart.py"
