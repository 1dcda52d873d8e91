"""Prompts of people, which hooks and telemetry may both report.

Hooks say who asked; telemetry often can't, since it leaves out the text. So the two are joined by the prompt's id, and
hooks decide about a prompt that both report. Clients that send no id in one of the two report the same prompts twice:
there, as many as possible count as one.
"""

from processors.fold.state import Asked, SessionState


def prompt_by_hook(state: SessionState, prompt_id: str, *, by_person: bool) -> None:
    """Count a prompt that a hook reports, whoever asked."""
    asked = state.asked
    if not prompt_id:
        asked.bare_by_hooks += by_person
        return
    by_telemetry = asked.by_telemetry.get(prompt_id, 0)
    if prompt_id not in asked.by_hooks:
        asked.by_hooks[prompt_id] = 0
        asked.only_by_telemetry -= by_telemetry
    asked.by_hooks[prompt_id] += by_person
    if by_telemetry:
        asked.joined += by_person
    else:
        asked.only_by_hooks += by_person


def prompt_by_telemetry(state: SessionState, prompt_id: str) -> None:
    """Count a prompt that, as far as telemetry can tell, a person typed."""
    asked = state.asked
    if not prompt_id:
        asked.bare_by_telemetry += 1
        return
    if prompt_id not in asked.by_hooks:
        asked.only_by_telemetry += 1
    elif prompt_id not in asked.by_telemetry:
        asked.only_by_hooks -= asked.by_hooks[prompt_id]
        asked.joined += asked.by_hooks[prompt_id]
    asked.by_telemetry[prompt_id] = asked.by_telemetry.get(prompt_id, 0) + 1


def prompts(asked: Asked) -> int:
    """Return how many prompts people typed.

    Of what ids don't join, as many pairs as possible count once; one of each pair has no id.
    """
    bare = asked.bare_by_hooks + asked.bare_by_telemetry
    by_hooks = asked.only_by_hooks + asked.bare_by_hooks
    by_telemetry = asked.only_by_telemetry + asked.bare_by_telemetry
    return asked.joined + by_hooks + by_telemetry - min(by_hooks, by_telemetry, bare)
