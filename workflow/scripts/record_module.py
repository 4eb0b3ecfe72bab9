"""Record what every node of a network of the user's own does for every sample."""

from typing import TYPE_CHECKING

from nodescope.jobs.job import job, settings

if TYPE_CHECKING:
    from snakemake.script import Snakemake

    snakemake: Snakemake

w = snakemake.wildcards

with job(snakemake.log[0], f"Recording {w.study}/{w.configuration}, seed {w.seed}, {w.state}"):
    import torch

    from nodescope.stages.record_module import record_module

    torch.set_num_threads(snakemake.threads)
    record_module(
        snakemake.input.dataset,
        next(iter(snakemake.input.get("checkpoint", [])), None),
        snakemake.output,
        seed=int(w.seed),
        state=w.state,
        sources=list(snakemake.input.sources),
        **settings(snakemake.params),
    )
