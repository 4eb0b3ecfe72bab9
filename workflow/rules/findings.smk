"""Say what was found: sentences with numbers, intervals and a rule for each.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/configurations.json
    results/{study}/predictions/{configuration}.parquet
    results/datasets/{dataset}.json
OUTPUTS:
    results/{study}/findings.json    each finding: sentence, value, interval, small chart, and whether it may be said
    reports/findings.md              those of all studies: what can be said, then what cannot and why
"""


localrules:
    find,
    write_findings,


rule find:
    """What the collected tables of a study say, and what they do not."""
    input:
        tables=flow.finding_tables,
        configurations="results/{study}/configurations.json",
        predictions=flow.predictions,
        dataset=flow.description,
    output:
        findings="results/{study}/findings.json",
    log:
        "logs/{study}/find.log",
    params:
        charts=flow.charts,
        code=flow.finding_code,
    script:
        "../scripts/find.py"


rule write_findings:
    """The findings of all studies as Markdown, beside the report."""
    input:
        findings=expand("results/{study}/findings.json", study=flow.studies),
    output:
        "reports/findings.md",
    log:
        "logs/findings.log",
    params:
        title=flow.setting("report.title"),
        studies=list(flow.studies),
        code=flow.code("nodescope.stages.write_findings"),
    script:
        "../scripts/write_findings.py"
