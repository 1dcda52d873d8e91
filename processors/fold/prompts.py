"""Prompts that users typed. Hooks and telemetry may both report them.

A hook says whether a user or the client wrote a prompt. Telemetry often can't, since it leaves out the text. So prompts
are joined by their ids, and hooks decide about a prompt that both report. If one of them sends no ids, as many prompts
as possible count as pairs.
"""

from processors.fold.state import Asked, SessionState


def prompt_by_hook(state: SessionState, prompt_id: str, *, by_person: bool) -> None:
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
    """Count a prompt that a user typed, as far as telemetry can tell."""
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
    """Return how many prompts users typed.

    A prompt without an id may be any prompt of the other source that no id joins: each possible pair counts once.
    """
    bare = asked.bare_by_hooks + asked.bare_by_telemetry
    by_hooks = asked.only_by_hooks + asked.bare_by_hooks
    by_telemetry = asked.only_by_telemetry + asked.bare_by_telemetry
    return asked.joined + by_hooks + by_telemetry - min(by_hooks, by_telemetry, bare)
