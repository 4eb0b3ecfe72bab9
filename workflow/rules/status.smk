"""While it runs, and after: what is done, what failed and why, what is missing?"""


localrules:
    status,


rule status:
    """Target: print, per study, which jobs are done, running, failed (cause and log) or missing."""
    log:
        "logs/status.log",
    params:
        config=CONFIG.model_dump(mode="json"),
    script:
        "../scripts/status.py"
