"""Each longer proof runs when its folders change: the table of folders is complete."""

import subprocess

from tests.selection.parts import PARTS
from tests.selection.parts_of_change import FOLDERS, folder_of
from tests.support import CHECKOUT

WITHOUT_PARTS = {".ci", "bench", "cli", "docs", "tests"}  # top-level folders that only `make test` covers


def _tracked() -> set[str]:
    return set(
        subprocess.run(["git", "ls-files"], cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout.split()
    )


def test_each_top_level_folder_is_in_the_table() -> None:
    """A new folder must say which parts it concerns, if any."""
    folders = {file.partition("/")[0] for file in _tracked() if "/" in file}

    assert folders - WITHOUT_PARTS <= FOLDERS.keys()
    assert folders >= WITHOUT_PARTS


def test_each_row_fits_files_and_names_parts() -> None:
    """A row for a moved folder would never match."""
    assert set(FOLDERS) == {folder_of(file) for file in _tracked()}
    assert {part for parts in FOLDERS.values() for part in parts} == set(PARTS)
