"""The digest of a session: extracted from its facts, as context for a new session.

It is Markdown: prompts, the last answer, open tasks, failures, files that were touched, and commands that ran. Items
that do not fit are left out by rank, see `processors.derivations.digest.items`. Instructions come near the head, and
items that contain one of their words come before all others.
"""

import re

from processors.derivations.digest.items import Rank, digest_items, fit
from processors.derivations.digest.state import DigestState
from processors.derivations.digest.truncate import cut, one_line
from schemas.times import instant

CHARACTERS, CHARACTERS_MAX = 8_000, 100_000  # without a request's limit; the most that a request can get
_NAME_MAX = 200
_WORD = re.compile(r"\w{4,}")
_WORDS_MAX = 50
_SENSITIVE = "This session is sensitive: nothing of its content is kept."


def digest(state: DigestState, instructions: str | None, max_characters: int | None, sensitive: bool) -> str:
    """Return the digest, at most as long as requested. For a ``sensitive`` session it has only numbers and times."""
    limit = CHARACTERS if max_characters is None else min(max(max_characters, 0), CHARACTERS_MAX)
    if sensitive:
        return cut("\n".join(("# Session so far", _numbers(state), "", _SENSITIVE)), limit)
    head = _head(state)
    if instructions and instructions.strip():
        head += f"\n\n## Keep in mind\n{cut(instructions.strip(), limit // 4)}"
    words = frozenset(_WORD.findall((instructions or "").casefold())[:_WORDS_MAX])
    items = digest_items(state, limit)
    if words:
        items = [
            item if words.isdisjoint(_WORD.findall(item.text.casefold())) else item._replace(rank=item.rank - len(Rank))
            for item in items
        ]
    return fit(head, items, limit)


def _head(state: DigestState) -> str:
    names = {name: one_line(value, _NAME_MAX) for name, value in state.names.items() if value}
    where = [names.get("repo", "")]
    named = (("branch", "branch"), ("agent", "agent_name"), ("model", "model"))
    where += [f"{word} {names[name]}" for word, name in named if name in names]
    where += [f"folder {one_line(state.cwd, _NAME_MAX)}"] if state.cwd else []
    title = f"# Session so far: {names['title']}" if "title" in names else "# Session so far"
    return "\n".join(filter(None, (title, " · ".join(filter(None, where)), _numbers(state))))


def _numbers(state: DigestState) -> str:
    tallies = state.usage.tallies.values()
    calls, failures = sum(tally.calls for tally in tallies), sum(tally.failures for tally in tallies)
    parts = (_many(state.events, "event"), _many(state.prompts, "prompt"), _many(calls, "tool call"))
    counts = f"{', '.join(parts)}, {failures} failed"
    return counts if state.first_at is None else f"{_period(state.first_at, state.last_at)} · {counts}"


def _period(first: int, last: int) -> str:
    """Return a period as ``2026-01-20 10:30 to 12:10 UTC``."""
    begin, end = (instant(ms)[:16].split("T") for ms in (first, last))
    until = end[1] if begin[0] == end[0] else " ".join(end)
    return f"{' '.join(begin)} to {until} UTC"


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"
