"""Prepare each data set once, on the machine on which Snakemake runs: compute nodes need no internet.

REQUIRED INPUTS:
    the data set's source, see config.yaml
OUTPUTS, where {dataset} is NAME-DIGITS, the digits standing for the data set's settings:
    results/datasets/{dataset}.npz    samples, labels and splits
    results/datasets/{dataset}.json   what is in it, and from which settings
"""


localrules:
    prepare_dataset,


rule datasets:
    """Target: all data sets, prepared."""
    input:
        expand("results/datasets/{dataset}.json", dataset=flow.datasets),


rule prepare_dataset:
    """Read a data set (downloading it if need be), draw its splits, and write it as one file."""
    input:
        flow.source_file,
    output:
        npz="results/datasets/{dataset}.npz",
        json="results/datasets/{dataset}.json",
    log:
        "logs/datasets/{dataset}.log",
    wildcard_constraints:
        dataset=flow.prepared_datasets,
    params:
        source=flow.source,
        files=flow.source_digest,
        code=flow.code("nodescope.stages.prepare"),
    script:
        "../scripts/prepare_dataset.py"
