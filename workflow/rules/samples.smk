"""Draw the samples that the tables of a study name: thumbnails, rows of features, texts.

REQUIRED INPUTS:
    results/{study}/tables/{table}.parquet    those that name samples, in a column `sample`
    results/datasets/{dataset}.npz
OUTPUTS:
    results/{study}/tables/samples.parquet and .csv
"""


localrules:
    draw_samples,


rule draw_samples:
    """What the samples look like that drive single nodes."""
    input:
        naming=flow.naming_tables,
        dataset=flow.dataset,
    output:
        samples="results/{study}/tables/samples.parquet",
        samples_csv="results/{study}/tables/samples.csv",
    log:
        "logs/{study}/samples.log",
    params:
        code=flow.code("nodescope.stages.samples"),
    script:
        "../scripts/draw_samples.py"
