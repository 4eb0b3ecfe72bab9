"""Compare the collected tables of a study with the published works that it names.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/config.json
OUTPUTS:
    results/{study}/tables/{scorecard,claims,differences}.parquet and .csv
"""


localrules:
    score_study,


rule score_study:
    """Published numbers beside ours, verdicts on claims, and in what the study departs from the source."""
    input:
        settings="results/{study}/config.json",
        tables=flow.scored_tables,
    output:
        scorecard="results/{study}/tables/scorecard.parquet",
        scorecard_csv="results/{study}/tables/scorecard.csv",
        claims="results/{study}/tables/claims.parquet",
        claims_csv="results/{study}/tables/claims.csv",
        differences="results/{study}/tables/differences.parquet",
        differences_csv="results/{study}/tables/differences.csv",
    log:
        "logs/{study}/score.log",
    params:
        code=flow.code("nodescope.stages.score"),
    script:
        "../scripts/score.py"
