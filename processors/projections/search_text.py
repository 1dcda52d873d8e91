"""Makes the search text of a session: the words of its names, title, summary and first prompts."""

from collections.abc import Iterable
from operator import attrgetter

from kernel.words import search_text
from processors.fold.state import SessionState
from schemas import ids

_NAMES = attrgetter("summary", "title", "repo", "agent_name", "branch", "component", "project_id", "model")


def session_search_text(state: SessionState, models: Iterable[str]) -> str:
    """Return the case-folded words; none for a sensitive session.

    Every batch that touches a session makes its row again, so text that was folded before is reused.
    """
    if ids.is_sensitive(state.session_id):
        return ""
    known = state.searched
    names = (*_NAMES(state), *models)
    if names != known.names:
        known.names, known.names_text = names, search_text(filter(None, dict.fromkeys(names)))
    if len(state.first_prompts) > known.prompts:
        known.prompts_text += search_text(state.first_prompts[known.prompts :])
        known.prompts = len(state.first_prompts)
    return known.names_text + known.prompts_text
