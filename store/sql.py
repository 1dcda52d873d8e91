"""Load SQL files, which are beside the code that sends them, and cut lists of keys to fit into one parameter.

A server refuses a parameter of more than 128 KiB (`http_max_field_value_size`, error 1000) before it reads the settings
of the query, so no statement can raise the limit. Every list of keys is cut here before it is sent.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import resources
from typing import TypeVar

VALUE_BYTES_MAX = 48 << 10  # far below the limit, since proxies and older servers have lower ones

K = TypeVar("K")

_ESCAPED = re.compile(r"[\\'`\x00-\x1f]")  # the client escapes each with a backslash


@cache
def read_sql(package: str, name: str) -> str:
    """Return the text of ``<name>.sql`` in the folder of ``package``."""
    return (resources.files(package) / f"{name}.sql").read_text()


def cut_to_size(keys: Iterable[K], bytes_max: int = VALUE_BYTES_MAX) -> Iterator[list[K]]:
    """Yield the keys in order, in lists of at most ``bytes_max`` bytes as sent, each with at least one key.

    A key is a string, a number, a UUID, or a tuple of these.
    """
    some: list[K] = []
    size = 0
    for key in keys:
        more = written_bytes(key)
        if some and size + more > bytes_max:
            yield some
            some, size = [], 0
        some.append(key)
        size += more
    if some:
        yield some


def written_bytes(key: object) -> int:
    """Return how many bytes a key takes in a list, with quotes and separators; slightly too many for numbers."""
    if isinstance(key, tuple):
        return 4 + sum(map(written_bytes, key))
    text = str(key)
    return 4 + len(text.encode()) + len(_ESCAPED.findall(text))
