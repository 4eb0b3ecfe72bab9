"""Before anything runs: how much is there to do?"""


localrules:
    plan,


rule plan:
    """Target: print, per study, networks, jobs, what is done, and estimates of time, memory and disk."""
    log:
        "logs/plan.log",
    params:
        config=config,
        cores=flow.cores,
    script:
        "../scripts/plan.py"
