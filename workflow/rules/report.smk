"""Put everything on one page.

REQUIRED INPUTS:
    results/{study}/charts/{chart}
    results/{study}/tables/{accuracy,replicas,dead_nodes,sparsity_summary}.parquet
OUTPUTS:
    reports/index.html    opens without a network
"""


localrules:
    build_report,


rule build_report:
    """The page that shows all figures and tables of all studies, and where they come from."""
    input:
        charts=all_charts,
        tables=all_tables,
        manifests=expand("results/{study}/config.json", study=STUDIES),
        datasets=expand("results/datasets/{dataset}.json", dataset=DATASETS),
        code=code("report/*.py", "report/templates/*", "charts/registry.py", "grid.py"),
    output:
        html="reports/index.html",
    log:
        "logs/report.log",
    benchmark:
        "results/report.benchmark.tsv"
    params:
        title=CONFIG.report.title,
        charts={study.name: [chart.name for chart in charts_of(study)] for study in CONFIG.studies},
    script:
        "../scripts/build_report.py"
