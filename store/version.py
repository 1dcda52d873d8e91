"""The ClickHouse versions that this works with. A test runs all DDL and all SQL on the oldest engine available."""

import re

FLOOR = (26, 2, 4, 10)
RECOMMENDED = "26.3 LTS"
VERSION_SQL = "SELECT version(), getSetting('compatibility')"


def why_too_old(version: str, compatibility: str) -> str:
    """Return one sentence about what is wrong with a store's version, or an empty text.

    ``version`` is the result of `version()`, ``compatibility`` that setting of our user, empty if it is not set.
    """
    if _numbers(version)[: len(FLOOR)] < FLOOR:
        floor = ".".join(map(str, FLOOR))
        return (
            f"the store is ClickHouse {version}, but {floor} or newer is needed: upgrade it, to {RECOMMENDED} at best"
        )
    if compatibility and _numbers(compatibility) < FLOOR[: len(_numbers(compatibility))]:
        floor = ".".join(map(str, FLOOR[:2]))
        return (
            f"the setting `compatibility` makes the store behave like ClickHouse {compatibility}, but {floor} or newer "
            "is needed: take it out of the profile of STORE_URL's user"
        )
    return ""


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version.partition(" ")[0])))
