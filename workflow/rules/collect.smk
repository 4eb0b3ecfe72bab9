"""Put the tables of all configurations of a study together, as Parquet and CSV.

REQUIRED INPUTS:
    results/{study}/tables/{table}/{configuration}.parquet
    results/datasets/{dataset}.json
OUTPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/tables/{table}.csv
    results/{study}/tables/classes.parquet   what the classes are called that the other tables number; also as CSV
    results/{study}/manifest.parquet    the configurations: identifiers and key columns
    results/{study}/resources.parquet   what the jobs took, and what to ask of a cluster next time; also as CSV
    results/{study}/config.json         the settings of the study, defaults included
"""


rule tables:
    """Target: all collected tables."""
    input:
        flow.collected_tables(),


# A rule for each set of tables, since a rule cannot ask which tables a study has.
for variation in flow.collecting():

    rule:
        name:
            variation.rule
        input:
            tables=flow.tables_to_collect,
            dataset=flow.description,
            code=flow.code("nodescope.stages.collect"),
        output:
            manifest="results/{study}/manifest.parquet",
            settings="results/{study}/config.json",
            resources="results/{study}/resources.parquet",
            resources_csv="results/{study}/resources.csv",
            classes="results/{study}/tables/classes.parquet",
            classes_csv="results/{study}/tables/classes.csv",
            tables=expand(
                "results/{{study}}/tables/{table}.{suffix}", table=variation.tables, suffix=["parquet", "csv"]
            ),
        log:
            "logs/{study}/collect.log",
        benchmark:
            "results/{study}/benchmarks/collect/collect.tsv"
        wildcard_constraints:
            study=variation.studies,
        localrule: True
        params:
            settings=flow.study_settings,
        script:
            "../scripts/collect.py"
