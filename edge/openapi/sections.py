"""The sections of the API page, and the section of each route."""

from typing import NamedTuple


class Section(NamedTuple):
    """A heading and its introduction."""

    name: str
    about: str


WRITING = Section(
    "Writing",
    "Every 2xx means that the write is durable in the log. After any other status, the same request can be sent again.",
)
READING = Section("Reading", "Sessions that the caller may see, and their parts.")
ANALYTICS = Section("Analytics", "Statistics of the sessions that started in a range of days (UTC).")
OPERATIONS = Section("Operations", "Receipts of writes, and checks that the numbers are right.")
OPERATOR = Section("Operator", "For operators of the installation. Needs a token of role `operator`.")
HEALTH = Section("Health", "For supervisors and monitoring; no credential is needed.")
PAGE_SECTIONS = (WRITING, READING, ANALYTICS, OPERATIONS, OPERATOR, HEALTH)

_BY_PATH = (("/api/v1/operator/", OPERATOR), ("/ops/", OPERATIONS), ("/analytics/", ANALYTICS))


def section_of(path: str, method: str) -> Section:
    """Derive the section from the path and the method, so that routes need not name it."""
    if not path.startswith("/api/"):
        return HEALTH
    for part, section in _BY_PATH:
        if part in path:
            return section
    return READING if method == "GET" else WRITING
