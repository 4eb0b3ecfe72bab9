"""Put the tables of all configurations of a study together, as Parquet and CSV.

REQUIRED INPUTS:
    results/{study}/tables/{table}/{configuration}.parquet
OUTPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/tables/{table}.csv
    results/{study}/manifest.parquet    the configurations: identifiers and key columns
    results/{study}/config.json         the settings of the study, defaults included
"""


localrules:
    collect_table,
    summarise_sparsity,
    write_manifest,


rule tables:
    """Target: all collected tables."""
    input:
        all_tables,
        expand("results/{study}/manifest.parquet", study=STUDIES),


rule collect_table:
    """One table of all configurations."""
    input:
        tables=tables_of_configurations,
        code=code("tables.py"),
    output:
        parquet="results/{study}/tables/{table}.parquet",
        csv="results/{study}/tables/{table}.csv",
    log:
        "logs/{study}/collect/{table}.log",
    benchmark:
        "results/{study}/benchmarks/collect/{table}.tsv"
    script:
        "../scripts/collect.py"


rule summarise_sparsity:
    """Mean and standard error of the sparsity over the seeds."""
    input:
        table="results/{study}/tables/sparsity.parquet",
        code=code("tables.py"),
    output:
        parquet="results/{study}/tables/sparsity_summary.parquet",
        csv="results/{study}/tables/sparsity_summary.csv",
    log:
        "logs/{study}/collect/sparsity_summary.log",
    benchmark:
        "results/{study}/benchmarks/collect/sparsity_summary.tsv"
    script:
        "../scripts/summarise.py"


ruleorder: summarise_sparsity > collect_table


rule write_manifest:
    """The configurations of a study, and its settings."""
    output:
        manifest="results/{study}/manifest.parquet",
        settings="results/{study}/config.json",
    log:
        "logs/{study}/manifest.log",
    benchmark:
        "results/{study}/benchmarks/manifest.tsv"
    params:
        settings=study_settings,
    script:
        "../scripts/write_manifest.py"
