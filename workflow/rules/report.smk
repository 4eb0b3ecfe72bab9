"""Put everything on one page.

REQUIRED INPUTS:
    results/{study}/charts
    results/{study}/page
    results/{study}/tables/{accuracy,replicas}.parquet
    results/{study}/tables/comparisons.parquet    of studies that have several trained configurations
OUTPUTS:
    reports/index.html    opens without a network; loads what it shows from reports/data, which is put beside it with it.
                          What reports/ held of studies that this page does not list goes.
"""


localrules:
    build_report,


rule build_report:
    """The page that shows all figures and tables of all studies, and where they come from."""
    input:
        charts=expand("results/{study}/charts", study=STUDIES),
        data=expand("results/{study}/page", study=STUDIES),
        tables=expand("results/{study}/tables/{table}.parquet", study=STUDIES, table=["accuracy", "replicas"]),
        comparisons=[
            str(layout.StudyFiles.of(name).table(contents.COMPARISON_TABLE))
            for name, study in STUDIES.items()
            if contents.is_compared(study)
        ],
        settings=expand("results/{study}/config.json", study=STUDIES),
        datasets=expand("results/datasets/{dataset}.json", dataset=DATASETS),
        code=code(
            "estimates/requests.py",
            "findings/divergence.py",
            "report/*.py",
            "report/web/*",
            "study/configurations.py",
            "study/contents.py",
            "study/layout.py",
            "findings/comparisons.py",
            "numerics/intervals.py",
            "study/words.py",
            "messages/words.py",
        ),
    output:
        # The page of before stays until this one is whole.
        html=update("reports/index.html"),
    log:
        "logs/report.log",
    benchmark:
        "results/report.benchmark.tsv"
    params:
        title=CONFIG.report.title,
        studies=list(STUDIES),
        options=chart_options,
    script:
        "../scripts/build_report.py"
