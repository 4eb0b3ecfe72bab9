"""Networks that users bring: record a module with its weights, or take in what was recorded elsewhere.

Of a module there is a job for every network and state, so that large networks run side by side.

REQUIRED INPUTS:
    a module's source files and checkpoints, and results/datasets/{dataset}.npz; or files of recordings
OUTPUTS:
    results/{study}/activations/{configuration}/seed-{s}/{state}/{split}/layer-{l}.parquet
    results/{study}/networks/{configuration}/seed-{s}/{state}.json    of a module: layers, losses and accuracies
    results/{study}/networks/{configuration}.json    `nodescope.study.descriptions.NetworkDescription`
    results/{study}/tables/{learning_curves,accuracy,replicas}/{configuration}.parquet
    results/{study}/predictions/{configuration}.parquet

The activations of a large study are temporary: deleted after the last analysis of the configuration.
"""


wildcard_constraints:
    seed=r"\d+",
    state=r"[A-Za-z0-9][A-Za-z0-9_-]*",


rule record_module:
    """Build a network of the user's own, load its weights, run it over all samples, write each layer to Parquet."""
    input:
        dataset=flow.dataset,
        checkpoint=flow.checkpoint,
        sources=flow.user_code,
    output:
        activations=directory("results/{study}/activations/{configuration}/seed-{seed}/{state}"),
        found="results/{study}/networks/{configuration}/seed-{seed}/{state}.json",
    log:
        "logs/{study}/record/{configuration}/seed-{seed}-{state}.log",
    wildcard_constraints:
        study=flow.kept("module"),
    priority: 10
    threads: 1
    resources:
        gpu=flow.gpus,
        mem_mb=flow.memory_mb("record"),
        runtime=flow.minutes("record"),
    params:
        dataset_name=flow.study("dataset.name"),
        module=flow.module,
        axes=flow.axes,
        epoch=flow.epoch,
        layers=flow.study("layers"),
        positions=flow.study("positions"),
        positions_per_sample=flow.study("positions_per_sample"),
        random_inputs=flow.study("random_inputs"),
        theta_threshold=flow.study("theta_threshold"),
        device=flow.setting("device"),
        code=flow.code("nodescope.stages.record_module"),
    script:
        "../scripts/record_module.py"


use rule record_module as record_temporary_module with:
    output:
        activations=temp(directory("results/{study}/activations/{configuration}/seed-{seed}/{state}")),
        found="results/{study}/networks/{configuration}/seed-{seed}/{state}.json",
    wildcard_constraints:
        study=flow.temporary("module"),


rule describe_networks:
    """Put together what was found of the networks of a configuration: layers, accuracies, predictions."""
    input:
        found=flow.found,
    output:
        description="results/{study}/networks/{configuration}.json",
        learning_curves="results/{study}/tables/learning_curves/{configuration}.parquet",
        accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
        replicas="results/{study}/tables/replicas/{configuration}.parquet",
        predictions="results/{study}/predictions/{configuration}.parquet",
    log:
        "logs/{study}/describe/{configuration}.log",
    wildcard_constraints:
        study=flow.modules,
    localrule: True
    params:
        code=flow.code("nodescope.stages.describe"),
    script:
        "../scripts/describe.py"


rule look_at_recordings:
    """Read from the heads of all files of a study which samples, splits and classes there are."""
    input:
        files=flow.files_of_recordings,
    output:
        description="results/datasets/{dataset}.json",
    log:
        "logs/datasets/{dataset}.log",
    wildcard_constraints:
        dataset=flow.recorded_datasets,
    localrule: True
    params:
        classes=flow.classes_of_recordings,
        code=flow.code("nodescope.stages.import_recordings"),
    script:
        "../scripts/look_at_recordings.py"


rule import_recordings:
    """Take in recordings that were made elsewhere: check, sort, cast and seal them."""
    input:
        files=flow.recorded_files,
        dataset=flow.description,
    output:
        activations=directory("results/{study}/activations/{configuration}"),
        description="results/{study}/networks/{configuration}.json",
        learning_curves="results/{study}/tables/learning_curves/{configuration}.parquet",
        accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
        replicas="results/{study}/tables/replicas/{configuration}.parquet",
        predictions="results/{study}/predictions/{configuration}.parquet",
    log:
        "logs/{study}/record/{configuration}.log",
    wildcard_constraints:
        study=flow.kept("recordings"),
    priority: 10
    threads: 1
    resources:
        mem_mb=flow.memory_mb("import"),
        runtime=flow.minutes("import"),
    params:
        recordings=flow.recordings,
        code=flow.code("nodescope.stages.import_recordings"),
    script:
        "../scripts/import_recordings.py"


use rule import_recordings as import_temporary_recordings with:
    output:
        activations=temp(directory("results/{study}/activations/{configuration}")),
        description="results/{study}/networks/{configuration}.json",
        learning_curves="results/{study}/tables/learning_curves/{configuration}.parquet",
        accuracy="results/{study}/tables/accuracy/{configuration}.parquet",
        replicas="results/{study}/tables/replicas/{configuration}.parquet",
        predictions="results/{study}/predictions/{configuration}.parquet",
    wildcard_constraints:
        study=flow.temporary("recordings"),
