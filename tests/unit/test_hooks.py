"""Hooks are there for the length of a block, and no longer."""

import re

import pytest
import torch
from conftest import REPOSITORY
from torch import nn

from nodescope.networks.hooks import hooked


def hooks_of(module):
    return len(module._forward_hooks) + len(module._forward_pre_hooks)


def test_hooks_see_what_runs_in_the_block_and_nothing_after_it():
    module, seen = nn.Linear(2, 2), []
    with hooked([module.register_forward_hook(lambda *_: seen.append(1))]):
        module(torch.zeros(1, 2))
    module(torch.zeros(1, 2))
    assert seen == [1] and hooks_of(module) == 0


def test_hooks_go_when_the_block_fails():
    module = nn.Linear(2, 2)
    with pytest.raises(RuntimeError), hooked([module.register_forward_pre_hook(lambda *_: None)]):
        module(torch.zeros(1, 3))
    assert hooks_of(module) == 0


def test_hooks_that_were_registered_before_one_that_fails_go_too():
    module = nn.Linear(2, 2)

    def register():
        yield module.register_forward_hook(lambda *_: None)
        raise ValueError("the second one fails")

    with pytest.raises(ValueError, match="the second one"), hooked(register()):
        pytest.fail("the block is not reached")
    assert hooks_of(module) == 0


def test_no_module_of_the_package_registers_hooks_in_another_way():
    """Each file that registers hooks on modules hands them to `hooked`."""
    for path in (REPOSITORY / "src/nodescope").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if re.search(r"\.register_forward_(pre_)?hook\(", text):
            assert "hooked(" in text and ".remove)" not in text, path.name
