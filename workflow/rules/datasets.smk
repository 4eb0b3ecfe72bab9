"""Prepare each data set once, on the machine on which Snakemake runs: compute nodes need no internet.

REQUIRED INPUTS:
    the data set's source, see config.yaml
OUTPUTS:
    results/datasets/{dataset}.npz    samples, labels and splits
    results/datasets/{dataset}.json   what is in it, and from which settings
"""

import json

from nodescope import datasets

# Mistakes in the data are found before any job starts, unless the data set stands prepared with these settings.
for name, source in DATASETS.items():
    description = Path(f"results/datasets/{name}.json")
    try:
        prepared = json.loads(description.read_text(encoding="utf-8"))["source"]
    except (OSError, ValueError, KeyError):
        prepared = None
    if prepared != source.model_dump(mode="json"):
        try:
            datasets.check(source, CONFIG.data_root, download=CONFIG.download)
        except NodescopeError as error:
            stop(error)


def dataset_source(wildcards):
    return DATASETS[wildcards.dataset].model_dump(mode="json")


def dataset_file(wildcards):
    """The user's own file, so that a change of it is noticed."""
    source = DATASETS[wildcards.dataset]
    return source.path if source.source == "npz" else []


rule datasets:
    """Target: all data sets, prepared."""
    input:
        expand("results/datasets/{dataset}.npz", dataset=DATASETS),


rule prepare_dataset:
    """Read a data set (downloading it if need be), draw its splits, and write it as one file."""
    localrule: True
    input:
        dataset_file,
        code=code("datasets/*.py"),
    output:
        npz="results/datasets/{dataset}.npz",
        json="results/datasets/{dataset}.json",
    params:
        source=dataset_source,
    log:
        "logs/datasets/{dataset}.log",
    benchmark:
        "results/datasets/{dataset}.benchmark.tsv"
    script:
        "../scripts/prepare_dataset.py"
