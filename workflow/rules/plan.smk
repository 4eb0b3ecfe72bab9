"""Before anything runs: how much is there to do?"""


localrules:
    plan,


rule plan:
    """Target: print, per study, networks, jobs, what is done, and estimates of time, memory and disk."""
    log:
        "logs/plan.log",
    params:
        config=CONFIG.model_dump(mode="json"),
        cores=cores_at_a_time,
    script:
        "../scripts/plan.py"
