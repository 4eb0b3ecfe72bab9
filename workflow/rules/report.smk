"""Put everything on one page.

REQUIRED INPUTS:
    results/{study}/charts/index.json
    results/{study}/page
    results/{study}/tables/{accuracy,learning_curves,replicas}.parquet
    results/{study}/tables/comparisons.parquet    of studies that have several trained configurations
    results/{study}/findings.json
OUTPUTS:
    reports/index.html    opens without a network; loads what it shows from reports/data, which is put beside it with it.
                          What reports/ held of studies that this page does not list goes.
"""


localrules:
    build_report,


rule build_report:
    """The page that shows all figures and tables of all studies, and where they come from."""
    input:
        charts=expand("results/{study}/charts/index.json", study=flow.studies),
        data=expand("results/{study}/page", study=flow.studies),
        tables=expand(
            "results/{study}/tables/{table}.parquet",
            study=flow.studies,
            table=["accuracy", "learning_curves", "replicas"],
        ),
        comparisons=flow.comparisons(),
        findings=expand("results/{study}/findings.json", study=flow.studies),
        settings=expand("results/{study}/config.json", study=flow.studies),
        configurations=expand("results/{study}/configurations.json", study=flow.studies),
        datasets=expand("results/datasets/{dataset}.json", dataset=flow.datasets),
    output:
        # The page of before stays until this one is whole.
        html=update("reports/index.html"),
    log:
        "logs/report.log",
    params:
        title=flow.setting("report.title"),
        studies=list(flow.studies),
        options=flow.setting("charts"),
        code=flow.code("nodescope.stages.report"),
    script:
        "../scripts/build_report.py"
