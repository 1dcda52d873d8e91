"""Loads SQL files: each is beside the code that sends it."""

from functools import cache
from importlib import resources


@cache
def read_sql(package: str, name: str) -> str:
    """Return the text of ``<name>.sql`` in the folder of ``package``."""
    return (resources.files(package) / f"{name}.sql").read_text()
