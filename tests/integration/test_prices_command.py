"""`prices load` and `prices show` on a data folder that no process is using."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from prices.price_list import list_prices
from runtime.services.run_folder import locked_folder

FILE = """
[[price]]
model = "mine"
from = 2025-01-01
input = 1.5
output = 2
"""
MINE = {
    "model": "mine",
    "from": "2025-01-01T00:00:00.000Z",
    "input": 1.5,
    "output": 2.0,
    "cache_read": 0.15,
    "cache_write_5m": 1.875,
    "cache_write_1h": 3.0,
}


def prices(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `crewkit-sessions prices …` on a data folder."""
    command = [sys.executable, "-P", "-m", "cli", "prices", *arguments, "--data", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_prices_go_in_as_a_file_and_come_out_as_one(tmp_path: Path) -> None:
    """Before the first start any price may be loaded; the shown TOML can be loaded again."""
    file = tmp_path / "prices.toml"
    file.write_text(FILE)

    loaded = prices(tmp_path / "up", "load", str(file))
    shown = prices(tmp_path / "up", "show", "--json")
    file.write_text(prices(tmp_path / "up", "show", "--toml").stdout)
    again = prices(tmp_path / "up", "load", str(file))

    assert (loaded.returncode, loaded.stdout.splitlines()[-1]) == (0, "prices: 1 loaded, 0 known already")
    (row,) = json.loads(shown.stdout)
    assert row == {**MINE, "loaded_at": row["loaded_at"]}
    assert again.stdout == "prices: 0 loaded, 1 known already\n"


def test_the_list_of_the_version_can_be_loaded(tmp_path: Path) -> None:
    """No file is needed; both file and list, or neither, is wrong usage."""
    loaded = prices(tmp_path / "up", "load", "--shipped")
    again = prices(tmp_path / "up", "load", "--shipped")
    file = tmp_path / "prices.toml"
    file.write_text(FILE)
    both, neither = prices(tmp_path, "load", "--shipped", str(file)), prices(tmp_path, "load")

    known = len(list_prices().prices)
    assert (loaded.returncode, loaded.stdout.splitlines()[-1]) == (0, f"prices: {known} loaded, 0 known already")
    assert (again.returncode, again.stdout) == (0, f"prices: 0 loaded, {known} known already\n")
    assert [both.returncode, neither.returncode] == [2, 2]


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    """Its store is in another process; the message names the remedy."""
    with locked_folder(tmp_path):
        shown = prices(tmp_path, "show")

    assert (shown.returncode, shown.stdout) == (1, "")
    assert f"another process uses {tmp_path}: stop it" in shown.stderr


def test_a_stack_that_does_not_run_is_away(tmp_path: Path) -> None:
    """The command creates no other store."""
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "stack.json").write_text('{"kafka": 1, "controller": 2, "store": 3}')
    (tmp_path / "run" / "address.json").write_text('{"url": "http://127.0.0.1:1"}')

    shown = prices(tmp_path, "show", "--token", "x")

    assert (shown.returncode, shown.stdout) == (69, "")
    assert "does not answer" in shown.stderr


@pytest.mark.parametrize("text", ["", "[[price]]\nmodel = 1", "\x00", FILE + FILE])
def test_a_file_that_is_none_is_wrong_usage(tmp_path: Path, text: str) -> None:
    """The message has place and reason, and nothing changes."""
    file = tmp_path / "prices.toml"
    file.write_text(text)

    loaded = prices(tmp_path / "up", "load", str(file))

    assert (loaded.returncode, loaded.stdout) == (2, "")
    assert str(file) in loaded.stderr
    assert not (tmp_path / "up").exists()
