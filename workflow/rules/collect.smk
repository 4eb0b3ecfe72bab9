"""Put the tables of all configurations of a study together, as Parquet and CSV.

REQUIRED INPUTS:
    results/{study}/tables/{table}/{configuration}.parquet
    results/datasets/{dataset}.json
OUTPUTS:
    results/{study}/tables/{table}.parquet
    results/{study}/tables/{table}.csv
    results/{study}/tables/classes.parquet   what the classes are called that the other tables number; also as CSV
    results/{study}/configurations.json   configurations and axes, as findings, figures and page take them
    results/{study}/networks.parquet    one row per configuration and seed: axes, parameters, learning rate, states, accuracy
    results/{study}/layers.parquet      one row per configuration and layer: name, nodes, positions, parameters, fan-in;
                                        both also as CSV, their columns in `nodescope.study.dimensions`
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
        output:
            configurations="results/{study}/configurations.json",
            settings="results/{study}/config.json",
            networks="results/{study}/networks.parquet",
            networks_csv="results/{study}/networks.csv",
            layers="results/{study}/layers.parquet",
            layers_csv="results/{study}/layers.csv",
            resources="results/{study}/resources.parquet",
            resources_csv="results/{study}/resources.csv",
            classes="results/{study}/tables/classes.parquet",
            classes_csv="results/{study}/tables/classes.csv",
            tables=expand(
                "results/{{study}}/tables/{table}.{suffix}", table=variation.tables, suffix=["parquet", "csv"]
            ),
        log:
            "logs/{study}/collect.log",
        wildcard_constraints:
            study=variation.studies,
        localrule: True
        params:
            settings=flow.study_settings,
            code=flow.collect_code,
        script:
            "../scripts/collect.py"
