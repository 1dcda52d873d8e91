"""A session that was found, with what was found in it."""

from collections.abc import Iterator, Sequence

from query_api.sessions.highlights import Highlighter
from schemas.http.responses import FoundSession, Highlight, Session


def found_session(session: Session, prompts: Sequence[str], highlighter: Highlighter) -> FoundSession:
    """The whole session, and a highlight for each of its texts in which a term of the search stands."""
    marked = ((field, highlighter.mark(text)) for field, text in _texts(session, prompts))
    highlights = [Highlight(field, text) for field, text in marked if text is not None]
    fields = {name: getattr(session, name) for name in Session.__struct_fields__}
    return FoundSession(**fields, highlights=highlights)


def _texts(session: Session, prompts: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What a search looks at, by the names that the API's reference gives it."""
    if session.sensitive:
        return
    models = dict.fromkeys([session.model, *(use.model for use in session.models)])
    named: list[tuple[str, str | None]] = [
        ("summary", session.summary),
        ("title", session.title),
        ("repo", session.repo),
        ("agent", session.agent_name),
        ("branch", session.branch),
        ("component", session.component),
        ("project", session.project_id),
        *(("model", model) for model in models),
        *(("prompts", prompt) for prompt in prompts),
    ]
    yield from ((field, text) for field, text in named if text)
