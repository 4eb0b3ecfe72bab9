"""Tools beside the workflow: ``python -m nodescope TOOL --help``."""

import argparse
import shlex
import sys

from nodescope.messages.errors import NodescopeError


def main(arguments: list[str] | None = None) -> int:
    """Run a tool; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m nodescope", description=__doc__)
    tools = parser.add_subparsers(dest="tool", required=True)
    compare = tools.add_parser(
        "compare",
        help="compare the tables of two results folders",
        description="Compare the tables of two results folders, value by value. The exit status is 0 if all previous "
        "values are equal (additional tables and columns are allowed), else 1. With --exact, additional tables and "
        "columns are differences too.",
    )
    compare.add_argument("before", help="a results folder")
    compare.add_argument("after", help="the results folder to compare with")
    compare.add_argument("--exact", action="store_true", help="treat additional tables and columns as differences")
    new = tools.add_parser(
        "new",
        help="create a new project",
        description="Create a project in a folder: a Snakefile that uses the workflow as a module, a commented "
        "config and a SLURM profile. Existing files are not overwritten.",
    )
    new.add_argument("folder", help="folder of the new project")
    page = tools.add_parser(
        "page",
        help="build one report of several results folders",
        description="Build one report of all studies in several results folders, as of networks that were trained on "
        "different days or machines. Nothing is measured anew.",
    )
    page.add_argument("results", nargs="+", help="results folders, each with a finished report")
    page.add_argument("--reports", default="reports", help="folder of the new report (default: reports)")
    page.add_argument("--title", default="What does each hidden node do?", help="title of the new report")
    options = parser.parse_args(arguments)
    try:
        if options.tool == "new":
            return _new(options.folder)
        if options.tool == "page":
            return _page(options.results, options.reports, options.title)
        return _compare(options.before, options.after, exact=options.exact)
    except NodescopeError as error:
        print(error, file=sys.stderr)
        return 2


def _compare(before: str, after: str, *, exact: bool) -> int:
    from nodescope.study.comparison import compare_results

    tables, differences = compare_results(before, after)
    for difference in differences:
        print(difference)
    changed = [difference for difference in differences if exact or not difference.is_new]
    concerned = len({(difference.study, difference.table) for difference in changed})
    print(f"{tables} tables in both; {concerned} differ." if changed else f"{tables} tables in both; all are equal.")
    return 1 if changed else 0


def _page(results: list[str], reports: str, title: str) -> int:
    from nodescope.stages.report import joint_report

    print(joint_report(results, reports, title))
    return 0


def _new(folder: str) -> int:
    from nodescope.project import create

    for path in create(folder):
        print(path)
    print(f"\nEdit {folder}/config.yaml, then: cd {shlex.quote(folder)} && snakemake --cores 8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
