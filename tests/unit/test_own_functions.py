"""Functions of the user's own: found, called, told apart, followed to their sources, and explained where they fail."""

import subprocess
import sys
from pathlib import Path

import pytest

from nodescope.jobs.own_functions import load_function
from nodescope.jobs.own_sources import source_files, sources_digest
from nodescope.messages.errors import FunctionError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text, encoding="utf-8")


def refusal(text, *arguments):
    with pytest.raises(FunctionError) as error:
        load_function(text)(*arguments)
    return str(error.value)


def test_a_function_of_a_file_and_of_a_package_is_called(here):
    write("my_net.py", "def build(width, *, depth=2, **others):\n    return width * depth\n")
    write("mine/nets.py", "from mine.sizes import SIZE\nclass Net:\n    size = SIZE\n")
    write("mine/sizes.py", "SIZE = 3\n")
    build = load_function("my_net.py:build")
    assert (build(3), build(3, depth=4), str(build)) == (6, 12, "my_net.py:build")
    assert build.parameters() == (("width", "depth"), True)
    assert load_function("mine.nets:Net")().size == 3
    assert load_function("json:loads")("[1]") == [1]


def test_files_of_one_name_are_not_mixed_and_nothing_is_left_behind(here):
    for study in ("one", "two"):
        write(f"{study}/net.py", "import helper\ndef build():\n    import late\n    return helper.NAME, late.NAME\n")
        write(f"{study}/helper.py", f"NAME = '{study}'\n")
        write(f"{study}/late.py", f"NAME = 'late {study}'\n")
    path, modules = list(sys.path), set(sys.modules)
    one, two = load_function("one/net.py:build"), load_function("two/net.py:build")
    assert [one(), two(), one()] == [("one", "late one"), ("two", "late two"), ("one", "late one")]
    assert sys.path == path
    assert {"net", "helper", "late"}.isdisjoint(sys.modules)
    assert set(sys.modules) == modules


def test_functions_of_one_file_share_what_it_computed(here):
    write("net.py", "seen = []\ndef add():\n    seen.append(1)\n    return seen\ndef look():\n    return len(seen)\n")
    add, look = load_function("net.py:add"), load_function("net.py:look")
    add()
    assert look() == 1


def test_an_edited_file_is_executed_anew_and_no_bytecode_is_left(here):
    write("net.py", "from part import A\ndef build():\n    return A\n")
    write("part.py", "A = 1\n")
    assert load_function("net.py:build")() == 1
    write("part.py", "A = 2\n")
    assert load_function("net.py:build")() == 2
    assert sorted(path.name for path in here.iterdir()) == ["net.py", "part.py"]


def test_a_file_may_be_called_as_a_module_of_python_or_lie_in_a_package(here):
    write("random.py", "def build():\n    import random\n    return random.__name__\n")
    assert load_function("random.py:build")() in ("random", "own_random")
    import random

    assert hasattr(random, "seed")
    write("pkg/__init__.py", "")
    write("pkg/net.py", "from .parts import PART\nimport beside\ndef build():\n    return PART, beside.HERE\n")
    write("pkg/parts.py", "PART = 'part'\n")
    write("pkg/beside.py", "HERE = 'here'\n")
    assert load_function("pkg/net.py:build")() == ("part", "here")


def test_the_working_directory_is_put_back(here):
    write("sub/x.txt", "")
    write("net.py", "import os\ndef build():\n    os.chdir('sub')\n")
    load_function("net.py:build")()
    assert Path.cwd() == here


@pytest.mark.parametrize(
    ("file", "function", "said"),
    [
        ("def build(): pass\ndef preprocess(x): pass\n_hidden = print\n", "biuld",
         "net.py has no function 'biuld'; did you mean 'build'? It has: build, preprocess"),
        ("x = 1\n", "build", "net.py has no function 'build'. It has: no function"),
        ("build = 3\n", "build", "net.py:build is not a function but an int. Hint: write a function"),
        ("def build(:\n", "build", "net.py cannot be executed: SyntaxError: "),
        ("import nothing_of_this_name\n", "build",
         "net.py cannot be executed: ModuleNotFoundError: No module named 'nothing_of_this_name' ("),
        ("import sys\nsys.exit(2)\n", "build", "it ended the program ("),
        ("def build():\n    deeper()\ndef deeper():\n    raise ValueError('no\\n  weights')\n", "build",
         "net.py:build failed: ValueError: no weights ("),
        ("def build(width):\n    pass\n", "build",
         "net.py:build failed: TypeError: build() missing 1 required positional argument: 'width'"),
    ],
)  # fmt: skip
def test_what_goes_wrong_is_said_in_one_line(here, file, function, said):
    write("net.py", file)
    text = refusal(f"net.py:{function}")
    assert said in text and "\n" not in text


def test_an_exception_is_said_with_the_line_of_the_users_code(here):
    write("net.py", "import json\ndef build():\n    return deeper()\ndef deeper():\n    return json.loads('{')\n")
    assert refusal("net.py:build").endswith(f"({here / 'net.py'}, line 5)")


def test_a_missing_file_and_a_missing_module_are_said(here):
    write("my_net.py", "")
    assert refusal("my_nte.py:build") == "there is no file my_nte.py; did you mean my_net.py?"
    assert "relative to the working directory" in refusal("elsewhere/net.py:build")
    assert "No module named 'nothing_of_this_name'" in refusal("nothing_of_this_name.net:build")


# --- sources ---


def names(text):
    return [path.relative_to(Path.cwd()).as_posix() for path in source_files(text)]


def test_sources_are_the_file_and_what_it_imports_from_its_folder(here):
    write("net.py", "import torch, layers.conv\nfrom tools import *\ndef f():\n    from late import x as y\n")
    write("layers/conv.py", "from layers import act\n")
    write("layers/act.py", "import net\n")
    write("tools.py", "raise RuntimeError('sources are not executed')\n")
    write("late.py", "x = 1\n")
    write("unrelated.py", "")
    assert names("net.py:build") == ["late.py", "layers/act.py", "layers/conv.py", "net.py", "tools.py"]


def test_sources_in_a_package_follow_relative_imports(here):
    write("mine/__init__.py", "from .names import N\n")
    write("mine/names.py", "N = 1\n")
    write("mine/inner/__init__.py", "")
    write("mine/inner/net.py", "from ..blocks import Block\nfrom . import act\n")
    write("mine/inner/act.py", "")
    write("mine/blocks.py", "")
    expected = [
        "mine/__init__.py",
        "mine/blocks.py",
        "mine/inner/__init__.py",
        "mine/inner/act.py",
        "mine/inner/net.py",
        "mine/names.py",
    ]
    assert names("mine.inner.net:build") == expected
    assert [name for name in names("mine/inner/net.py:build") if name not in expected] == []
    assert {"mine/inner/net.py", "mine/blocks.py", "mine/inner/act.py"} <= set(names("mine/inner/net.py:build"))


def test_an_edit_changes_the_digest_and_a_file_that_is_not_imported_does_not(here):
    write("net.py", "import part\n")
    write("part.py", "A = 1\n")
    write("other.py", "A = 1\n")
    before = sources_digest(["net.py:build", "net.py:preprocess"])
    write("other.py", "A = 2\n")
    assert sources_digest(["net.py:build", "net.py:preprocess"]) == before
    write("part.py", "A = 2\n")
    assert sources_digest(["net.py:build", "net.py:preprocess"]) != before


def test_of_an_installed_package_the_list_of_its_files_counts(here):
    found = source_files("torchvision.models.resnet:resnet18")
    assert sorted(path.name for path in found) == ["RECORD", "resnet.py"]
    assert "torchvision-" in " ".join(path.parent.name for path in found)


def test_a_file_with_an_error_is_its_own_source(here):
    write("net.py", "def (:\n")
    assert names("net.py:build") == ["net.py"]
    assert names("absent.py:build") == []


def test_sources_are_found_without_anything_heavy():
    heavy = "{'torch', 'polars', 'numpy', 'sklearn', 'PIL', 'numba'}"
    code = (
        "import sys; from nodescope.jobs.own_sources import source_files\n"
        "source_files('torchvision.models.resnet:resnet18')\n"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
