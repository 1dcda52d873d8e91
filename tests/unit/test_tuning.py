"""A server may hold as many connections as the machine allows, even if the shell's limit is lower."""

import subprocess
import sys

import pytest

from runtime.tuning import connections_max

SCRIPT = """
import resource
from runtime.tuning import raise_open_files
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
    """Tables and logs are files, too."""
    assert connections_max(open_files) == connections
