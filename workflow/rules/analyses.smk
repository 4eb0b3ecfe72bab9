"""Measure the recorded activations: one rule per analysis, one job per configuration.

REQUIRED INPUTS:
    results/{study}/activations/{configuration}
OUTPUTS:
    results/{study}/tables/{analysis}/{configuration}.parquet

To add an analysis: a module in src/nodescope/analyses/, a section in the configuration's schema, a rule here.
"""


rule measure_medians:
    """Median activation of each class at every node."""
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("medians"),
    output:
        table="results/{study}/tables/medians/{configuration}.parquet",
    log:
        "logs/{study}/medians/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/medians/{configuration}.tsv"
    priority: 20
    threads: 1
    resources:
        mem_mb=3000,
        runtime=60,
    params:
        analysis="medians",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("medians"),
        theta_threshold=0.0,
    script:
        "../scripts/analyse.py"


use rule measure_medians as measure_distributions with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("distributions"),
    output:
        table="results/{study}/tables/distributions/{configuration}.parquet",
    log:
        "logs/{study}/distributions/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/distributions/{configuration}.tsv"
    params:
        analysis="distributions",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("distributions"),
        theta_threshold=0.0,


use rule measure_medians as measure_densities with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("densities") + code("analyses/kernel_density.py"),
    output:
        table="results/{study}/tables/densities/{configuration}.parquet",
    log:
        "logs/{study}/densities/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/densities/{configuration}.tsv"
    params:
        analysis="densities",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("densities"),
        theta_threshold=0.0,


use rule measure_medians as measure_activity with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("activity"),
    output:
        table="results/{study}/tables/activity/{configuration}.parquet",
    log:
        "logs/{study}/activity/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/activity/{configuration}.tsv"
    params:
        analysis="activity",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("activity"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_dead_nodes with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("dead_nodes"),
    output:
        table="results/{study}/tables/dead_nodes/{configuration}.parquet",
    log:
        "logs/{study}/dead_nodes/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/dead_nodes/{configuration}.tsv"
    params:
        analysis="dead_nodes",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("dead_nodes"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_sparsity with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("sparsity"),
    output:
        table="results/{study}/tables/sparsity/{configuration}.parquet",
    log:
        "logs/{study}/sparsity/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/sparsity/{configuration}.tsv"
    params:
        analysis="sparsity",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("sparsity"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_patterns with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("patterns") + code("patterns/*.py"),
    output:
        table="results/{study}/tables/patterns/{configuration}.parquet",
    log:
        "logs/{study}/patterns/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/patterns/{configuration}.tsv"
    params:
        analysis="patterns",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("patterns"),
        theta_threshold=theta_threshold_of,


use rule measure_activity as measure_layer_accuracy with:
    input:
        activations="results/{study}/activations/{configuration}",
        code=analysis_code("layer_accuracy") + code("analyses/kernel_density.py"),
    output:
        table="results/{study}/tables/layer_accuracy/{configuration}.parquet",
    log:
        "logs/{study}/layer_accuracy/{configuration}.log",
    benchmark:
        "results/{study}/benchmarks/layer_accuracy/{configuration}.tsv"
    params:
        analysis="layer_accuracy",
        key_columns=configuration_keys,
        seeds=seeds_of,
        states=states_of,
        options=options_of("layer_accuracy"),
        theta_threshold=theta_threshold_of,
