"""Say what ails the layers of a study's networks, and which configuration helps.

REQUIRED INPUTS:
    results/{study}/tables/{gradients,dead_nodes,statistics}.parquet    those that the study has
    results/{study}/tables/{accuracy,replicas}.parquet
    results/{study}/configurations.json
    results/{study}/predictions/{configuration}.parquet
OUTPUTS:
    results/{study}/tables/{diagnosis,remedies}.parquet and .csv
"""


localrules:
    diagnose_study,


rule diagnose_study:
    """Problems per layer by thresholds, and every configuration beside the first."""
    input:
        measured=flow.diagnosed_tables,
        accuracy="results/{study}/tables/accuracy.parquet",
        replicas="results/{study}/tables/replicas.parquet",
        configurations="results/{study}/configurations.json",
        predictions=flow.predictions,
    output:
        diagnosis="results/{study}/tables/diagnosis.parquet",
        diagnosis_csv="results/{study}/tables/diagnosis.csv",
        remedies="results/{study}/tables/remedies.parquet",
        remedies_csv="results/{study}/tables/remedies.csv",
    log:
        "logs/{study}/diagnose.log",
    params:
        thresholds=flow.study("diagnosis"),
        code=flow.code("nodescope.stages.diagnose"),
    script:
        "../scripts/diagnose.py"
