"""Hold every configuration of a study against the best one.

REQUIRED INPUTS:
    results/{study}/tables/{accuracy,replicas}.parquet
    results/{study}/configurations.json
    results/{study}/predictions/{configuration}.parquet
OUTPUTS:
    results/{study}/tables/comparisons.parquet and .csv
"""


localrules:
    compare_configurations,


rule compare_configurations:
    """Differences of test accuracy to the best configuration, with the noise of seeds and of samples."""
    input:
        accuracy="results/{study}/tables/accuracy.parquet",
        replicas="results/{study}/tables/replicas.parquet",
        configurations="results/{study}/configurations.json",
        predictions=flow.predictions,
    output:
        comparisons="results/{study}/tables/comparisons.parquet",
        comparisons_csv="results/{study}/tables/comparisons.csv",
    log:
        "logs/{study}/compare.log",
    params:
        code=flow.code("nodescope.stages.compare"),
    script:
        "../scripts/compare.py"
