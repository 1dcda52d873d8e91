"""A server may have as many connections as the machine allows, and returns the memory that it no longer needs."""

import gc
import subprocess
import sys
import weakref

import pytest

from runtime.services.tuning import connections_max, release_memory

SCRIPT = """
import resource
from runtime.services.tuning import raise_open_files
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
print(raise_open_files() > 256 or hard <= 256, resource.getrlimit(resource.RLIMIT_NOFILE)[0] == raise_open_files())
"""


def test_a_low_limit_is_raised_as_far_as_it_may_be() -> None:
    """The soft limit is only a default."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "True"]


@pytest.mark.parametrize(("open_files", "connections"), [(1_000_000, 16_384), (4_096, 3_072), (256, 128)])
def test_some_files_are_kept_for_others(open_files: int, connections: int) -> None:
    """Tables and logs are files too."""
    assert connections_max(open_files) == connections


def test_objects_in_cycles_are_freed_when_memory_is_released() -> None:
    """A tuned process hardly ever collects them."""

    class Node:
        itself: "Node"

    gc.disable()
    node = Node()
    node.itself, kept = node, weakref.ref(node)
    del node

    release_memory()

    gc.enable()
    assert kept() is None
