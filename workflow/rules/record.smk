"""Record what every node does for every sample.

REQUIRED INPUTS:
    results/{study}/models/{configuration}
    results/datasets/{dataset}.npz
OUTPUTS:
    results/{study}/activations/{configuration}/seed-{s}/{state}/{split}/layer-{l}.parquet
    results/{study}/activations/{configuration}/seed-{s}/{state}/{split}/values-{l}.parquet, of layers with positions

The activations of a large study are temporary: deleted after the last analysis of the configuration.
"""


rule recordings:
    """Target: the activations of all networks."""
    input:
        flow.per_configuration("results/{study}/activations/{configuration}"),


rule record_activations:
    """Run every state of every seed over all samples and write each layer to Parquet."""
    input:
        models="results/{study}/models/{configuration}",
        dataset=flow.dataset,
    output:
        activations=directory("results/{study}/activations/{configuration}"),
    log:
        "logs/{study}/record/{configuration}.log",
    wildcard_constraints:
        study=flow.kept("families"),
    # Ahead of further trainings, and the analyses ahead of further recordings: temporary activations go early.
    priority: 10
    threads: 1
    resources:
        mem_mb=flow.memory_mb("record"),
        runtime=flow.minutes("record"),
    params:
        dataset_name=flow.study("dataset.name"),
        seeds=flow.seeds,
        states=flow.states,
        layers=flow.study("layers"),
        positions=flow.study("positions"),
        positions_per_sample=flow.study("positions_per_sample"),
        random_inputs=flow.study("random_inputs"),
        theta_threshold=flow.counted_above,
        code=flow.network_code("record"),
    script:
        "../scripts/record.py"


use rule record_activations as record_temporary_activations with:
    output:
        activations=temp(directory("results/{study}/activations/{configuration}")),
    wildcard_constraints:
        study=flow.temporary("families"),
