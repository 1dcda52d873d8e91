"""Which ClickHouse this works with. A test runs all tables and all SQL on the oldest engine that can be had."""

import re

FLOOR = (26, 2, 4, 10)
RECOMMENDED = "26.3 LTS"
VERSION_SQL = "SELECT version(), getSetting('compatibility')"


def why_too_old(version: str, compatibility: str) -> str:
    """What is wrong with a store, in one sentence; nothing, if it will do.

    ``version`` is as `version()` says it, ``compatibility`` the setting of our user, empty where there is none.
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
