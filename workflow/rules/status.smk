"""While it runs, and after: what is done, what failed and why, what is missing?"""


localrules:
    status,
    partial_report,


rule status:
    """Target: print, per study, which jobs are done, running, failed (cause and log) or missing."""
    log:
        "logs/status.log",
    params:
        config=config,
    script:
        "../scripts/status.py"


rule partial_report:
    """Target: reports/partial/index.html from the configurations that are done; missing results are listed at the top."""
    log:
        "logs/partial_report.log",
    params:
        config=config,
    script:
        "../scripts/partial_report.py"
