"""Facts that a projector reads about its generation from the control database."""

from types import SimpleNamespace
from typing import Any, cast

from generations.projector_jobs import ProjectorJobs
from processors.flow.gate import Gate
from processors.projector import Projector
from store.generations import Generation, KnownGeneration

OURS, OTHER = Generation("g2", 4), Generation("g1", 4)


async def test_a_projector_knows_whether_readers_use_its_generation_and_whether_it_is_paused() -> None:
    """It does not know before it has looked, and a switch to or from the generation changes that."""
    pipeline: Any = SimpleNamespace(gate=Gate(), written={}, is_live=False)
    progress: Any = SimpleNamespace(lags=list)
    parts = cast(Any, None)
    projector = Projector(pipeline, progress, parts, parts, parts, parts, parts)
    jobs = ProjectorJobs(projector, parts, OURS, "projector", [])
    seen = []
    for is_live, is_paused in ((False, True), (True, False), (False, False)):
        ours = KnownGeneration(OURS, is_live=is_live, is_paused=is_paused)
        await jobs.see([KnownGeneration(OTHER, is_live=not is_live), ours], [])
        seen.append((pipeline.is_live, pipeline.gate.is_paused))

    assert seen == [(False, True), (True, False), (False, False)]
