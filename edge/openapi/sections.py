"""The sections of the page, and which one a route belongs to."""

from typing import NamedTuple


class Section(NamedTuple):
    """A heading and what stands under it."""

    name: str
    about: str


WRITING = Section("Writing", "Every 2xx means: durable in the log. Anything else may be sent again as it is.")
READING = Section("Reading", "Sessions and what belongs to them, as far as the caller may see them.")
ANALYTICS = Section("Analytics", "Numbers over the sessions that started in a range of days (UTC).")
OPERATIONS = Section("Operations", "What became of a write; whether the numbers are right.")
OPERATOR = Section("Operator", "For those who run the installation, with a token of role `operator`.")
HEALTH = Section("Health", "For supervisors and monitoring; no credential is needed.")
PAGE_SECTIONS = (WRITING, READING, ANALYTICS, OPERATIONS, OPERATOR, HEALTH)

_BY_PATH = (("/api/v1/operator/", OPERATOR), ("/ops/", OPERATIONS), ("/analytics/", ANALYTICS))


def section_of(path: str, method: str) -> Section:
    """The address says it, so that a route need not."""
    if not path.startswith("/api/"):
        return HEALTH
    for part, section in _BY_PATH:
        if part in path:
            return section
    return READING if method == "GET" else WRITING
