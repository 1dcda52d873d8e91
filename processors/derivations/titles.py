"""Suggests a session's title: the first sentence of its first prompt."""

import re

from processors.derivations.digest.truncate import one_line
from processors.derivations.session_facts import SessionFact

TITLE_MAX = 80
_MACHINES = frozenset({"system", "loop_wakeup", "schedule_wakeup", "poll_event"})
_MARKS = re.compile(r"^[\s#>*`\-]+")
_POLITE = re.compile(r"^(?:(?:hi|hello|hey)\b[\s,!.]*)?(?:(?:can|could|would) you\s+)?(?:please\s+)?", re.IGNORECASE)
_SENTENCE = re.compile(r".+?[.!?…](?=\s|$)")


def asked_by_a_machine(fact: SessionFact) -> bool:
    """Return whether a prompt was sent by a machine, to continue the session."""
    return fact.detail in _MACHINES


def title_of(fact: SessionFact) -> str | None:
    """Return the first sentence of a prompt, in one line; None if it is empty or a command to the client."""
    if asked_by_a_machine(fact):
        return None
    lines = (_MARKS.sub("", line).strip() for line in (fact.text or fact.label).splitlines())
    line = _POLITE.sub("", next(filter(None, lines), ""))
    if not line or line.startswith("/"):
        return None
    sentence = match.group() if (match := _SENTENCE.match(line)) else line
    title = one_line(sentence.rstrip(".:"), TITLE_MAX)
    return title[:1].upper() + title[1:] or None
