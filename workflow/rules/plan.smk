"""Before anything runs: how much is there to do?"""


rule plan:
    """Target: print, per study, networks, jobs, what is done, and estimates of time, memory and disk."""
    localrule: True
    params:
        config=CONFIG.model_dump(mode="json"),
        cores=workflow.cores,
    log:
        "logs/plan.log",
    script:
        "../scripts/plan.py"
