"""Which files a job depends on: exactly those that its modules import."""

import ast

import pytest
from conftest import taken_for_the_package

from nodescope.jobs import dependencies
from nodescope.jobs.dependencies import (
    DATA_FILES,
    code_digest,
    family_modules,
    imported_modules,
    imports_of,
    job_files,
    module_path,
)

FOLDER = dependencies.source_folder()
MODULES = sorted(
    ".".join(("nodescope", *path.relative_to(FOLDER).with_suffix("").parts)).removesuffix(".__init__")
    for path in FOLDER.rglob("*.py")
)


def imports_by_ast(module):
    """As `imports_of`, by Python's own parser."""
    found = set()

    def visit(node):
        if isinstance(node, ast.If) and ast.unparse(node.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for child in node.orelse:
                visit(child)
            return
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names if alias.name.partition(".")[0] == "nodescope")
        if isinstance(node, ast.ImportFrom) and node.module and node.module.partition(".")[0] == "nodescope":
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                found.add(submodule if submodule in MODULES else passed_on(node.module).get(alias.name, node.module))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "import_module" and node.args:
            name = ast.unparse(node.args[0]).removeprefix("f").strip("'")
            found.update([f"{name.partition('.{')[0]}.*"] if name.startswith("nodescope.") and ".{" in name else [])
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(module_path(module).read_text()))
    return found


def passed_on(package):
    path = module_path(package)
    if path.name != "__init__.py":
        return {}
    statements = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)]
    return {
        alias.name: node.module
        for node in statements
        for alias in node.names
        if node.module and node.module.startswith(f"{package}.")
    }


def test_the_imports_of_every_module_are_those_that_python_sees():
    wrong = {module for module in MODULES if imports_of(module) != imports_by_ast(module)}
    assert len(MODULES) > 100 and not wrong


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Write modules of a made-up package; the functions see it as the installed one."""

    def write(**texts):
        for name, text in texts.items():
            path = tmp_path.joinpath(*name.split("__"))
            path = path / "__init__.py" if path.name in ("pack", "readers") else path.with_suffix(".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (tmp_path / "__init__.py").touch()

    with taken_for_the_package(tmp_path, monkeypatch):
        yield write


def test_imports_in_functions_and_over_several_lines_count_and_those_for_the_type_checker_do_not(package):
    package(
        entry='''"""It says: from nodescope.texts import nothing."""
from typing import TYPE_CHECKING
import nodescope.plain, nodescope.second as s
from nodescope.many import (
    one,  # a remark, with a comma (and brackets)
    two as t,
)
if TYPE_CHECKING:
    from nodescope.types import A

    from nodescope.types import B
from nodescope import module as m
def f():
    if TYPE_CHECKING:
        from nodescope.types import C
    from nodescope.inner import x; import os
    return import_module(name)
''',
        plain="", second="", many="from nodescope.far import y\n", module="", inner="", far="", types="", computed="", texts="",
    )  # fmt: skip
    expected = {"entry", "plain", "second", "many", "module", "inner", "far"}
    assert imported_modules("nodescope.entry") == {"nodescope"} | {f"nodescope.{name}" for name in expected}


def test_what_a_package_passes_on_counts_as_taken_from_the_module_that_has_it(package):
    package(
        entry="from nodescope.readers import load\n",
        whole="from nodescope import readers\n",
        readers="from nodescope.readers.prepared import load\nfrom nodescope.readers.images import read\n",
        readers__prepared="",
        readers__images="",
    )
    assert imported_modules("nodescope.entry") == {
        "nodescope", "nodescope.entry", "nodescope.readers", "nodescope.readers.prepared",
    }  # fmt: skip
    assert "nodescope.readers.images" in imported_modules("nodescope.whole")


def test_modules_that_import_each_other_come_to_an_end(package):
    package(a="from nodescope.b import x\n", b="from nodescope.a import y\n")
    assert imported_modules("nodescope.a") == {"nodescope", "nodescope.a", "nodescope.b"}


def test_an_edit_changes_the_digest_of_those_that_import_it(package):
    package(a="from nodescope.b import x\n", b="", c="")
    a, c = code_digest("nodescope.a"), code_digest("nodescope.c")
    package(b="x = 1\n")
    assert code_digest("nodescope.a") != a and code_digest("nodescope.c") == c


def test_an_unknown_module_is_an_error():
    with pytest.raises(ModuleNotFoundError, match=r"nodescope has no module nodescope\.gone"):
        job_files("nodescope.gone")


def test_data_files_belong_to_the_module_that_reads_them():
    for module, patterns in DATA_FILES.items():
        files = job_files(module)
        for pattern in patterns:
            found = [path for path in module_path(module).parent.glob(pattern) if path.is_file()]
            assert found and set(found) <= set(files)


def test_a_whole_package_takes_in_all_files_of_its_folder_and_what_they_import(package, tmp_path):
    package(pack="", pack__one="from nodescope.helper import x\n", helper="", other="")
    (tmp_path / "pack" / "numbers").mkdir()
    (tmp_path / "pack" / "numbers" / "a.csv").touch()
    found = {path.relative_to(tmp_path).as_posix() for path in job_files("nodescope.pack.*")}
    assert found == {"__init__.py", "helper.py", "pack/__init__.py", "pack/one.py", "pack/numbers/a.csv"}


def test_of_a_package_whose_modules_are_imported_by_a_computed_name_all_count_or_those_that_are_named(package):
    package(
        entry='def f(name):\n    return import_module(f"nodescope.pack.{name}").measure\n',
        pack="", pack__one="from nodescope.helper import x\n", pack__two="", helper="",
    )  # fmt: skip
    of_entry = {"nodescope", "nodescope.entry", "nodescope.pack"}
    one, two = {"nodescope.pack.one", "nodescope.helper"}, {"nodescope.pack.two"}
    assert imported_modules("nodescope.entry") == of_entry | one | two
    assert imported_modules("nodescope.entry", "nodescope.pack.one") == of_entry | one


#: Where modules are imported by a name that is computed in another way than by an f-string that begins with their package.
#: No job depends on them for that alone, which these allow:
BY_ANOTHER_NAME = {
    "nodescope/__init__.py",  # the public functions, which no job uses
    "nodescope/analyses/__init__.py",  # what is declared of each; jobs name those that they make
    "nodescope/families/__init__.py",  # what is declared of each; jobs name theirs
    "nodescope/works/registry.py",  # found by their place, see DATA_FILES
    "nodescope/works/work.py",  # likewise
    "nodescope/following/callbacks.py",  # frameworks of the user's own
    "nodescope/jobs/own_functions.py",  # modules of the user's own
    "nodescope/jobs/warm.py",  # what is loaded beforehand; jobs import what they use
    "nodescope/jobs/dependencies.py",  # the pattern that finds the others
}


def test_every_import_by_a_computed_name_is_followed():
    """One that is not is no dependency of any job."""
    computed = {
        f"nodescope/{path.relative_to(FOLDER).as_posix()}"
        for path in FOLDER.rglob("*.py")
        if path.read_text().count("import_module(") > len(dependencies._COMPUTED.findall(path.read_text()))
    }
    assert computed <= BY_ANOTHER_NAME


#: Jobs by name, each with the modules that it starts from.
JOBS = {
    "prepare": ["nodescope.stages.prepare"],
    "train": ["nodescope.stages.train", *family_modules("mlp")],
    "train a ResNet": ["nodescope.stages.train", *family_modules("resnet")],
    "record": ["nodescope.stages.record", *family_modules("mlp")],
    "medians": ["nodescope.stages.measure_layers", "nodescope.analyses.medians"],
    "gradients": ["nodescope.stages.measure_networks", "nodescope.analyses.gradients", *family_modules("mlp")],
    "weights": ["nodescope.stages.measure_networks", "nodescope.analyses.weights", *family_modules("mlp")],
    "collect": ["nodescope.stages.collect", "nodescope.families.mlp"],
    "compare": ["nodescope.stages.compare"],
    "diagnose": ["nodescope.stages.diagnose"],
    "score": ["nodescope.stages.score"],
    "find": ["nodescope.stages.find", "nodescope.findings.catalogue.best_configuration"],
    "write_findings": ["nodescope.stages.write_findings"],
    "draw": ["nodescope.stages.draw", "nodescope.charts.gallery.medians"],
    "report": ["nodescope.stages.report"],
}


@pytest.mark.parametrize(
    ("edited", "expected"),
    [
        ("datasets/sources/image_file.py", {"prepare"}),
        ("datasets/preparing.py", {"prepare"}),
        ("training/optimisers.py", {"train", "train a ResNet"}),
        ("networks/losses.py", {"train", "train a ResNet", "weights", "gradients"}),
        ("families/mlp.py", {"train", "record", "gradients", "weights", "collect"}),
        ("networks/mlp.py", {"train", "record", "gradients", "weights"}),
        ("networks/stages.py", {"train a ResNet"}),
        ("families/toynet.py", set()),
        ("networks/cnn.py", set()),
        ("families/cnn.py", set()),
        ("recording/recorder.py", {"record"}),
        ("analyses/medians.py", {"medians"}),
        ("analyses/weights.py", {"weights"}),
        ("analyses/sparsity.py", set()),
        ("findings/diagnosis.py", {"diagnose", "draw"}),  # charts take the declared columns from it
        ("charts/gallery/medians.py", {"draw"}),
        ("charts/gallery/weight_distributions.py", set()),
        ("charts/drawing.py", {"draw"}),
        ("report/page.py", {"report"}),
        ("works/pretorius/claims/accuracy.py", {"score"}),
        ("works/pretorius/figures.py", {"draw", "report"}),
        ("jobs/status.py", {"report"}),  # what the page says of unfinished jobs
        ("jobs/job.py", {"report"}),  # likewise
        ("workflow.py", set()),
    ],
)
def test_an_edit_runs_those_jobs_again_that_import_it(edited, expected, package_copy):
    before = {job: code_digest(*modules) for job, modules in JOBS.items()}
    with package_copy.edited(edited):
        changed = {job for job, modules in JOBS.items() if code_digest(*modules) != before[job]}
    assert changed == expected
