"""A package can be imported as if one of its optional dependencies weren't installed."""

import importlib
import sys

import pytest

from store.absent_packages import absent


def test_an_absent_package_cannot_be_imported_inside_the_block_only() -> None:
    """Afterwards it can be imported as before."""
    with absent("antigravity"), pytest.raises(ImportError):
        importlib.import_module("antigravity")

    assert "antigravity" not in sys.modules


def test_a_package_that_is_loaded_stays() -> None:
    """Other code may hold a reference to it."""
    with absent("pytest"):
        assert importlib.import_module("pytest") is pytest

    assert sys.modules["pytest"] is pytest
