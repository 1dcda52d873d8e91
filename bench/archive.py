"""How fast is a replay from the archive, compared with one from Kafka, and how fast does the keeper archive?"""

import asyncio
import time
from pathlib import Path
from statistics import median

from bench.kafka import FilledTopic, fill, filled_topic, log_url
from bench.projector import EVENTS, Projected, project_into_folder
from bench.question import ROUNDS, BenchQuestion, Figure, Report, figure
from bench.services import running_service, temporary_folder, wait_until
from bench.usage import cpu_s, disk_bytes
from ingest.log.kafka import KafkaLogReader
from ingest.log.kafka.provision import Wish, install
from runtime.settings.secrets import own_secrets

HOT_DAYS = "0.0002"  # 17 s: everything in the topic is older by then
LIMIT_S, LOOK_EVERY_S = 300.0, 0.5
OF_KAFKA = 0.9


def _measure(report: Report) -> list[Figure]:
    """Project two topics in turns: one is in Kafka, one is only in the archive behind which it was trimmed."""
    from_kafka, from_archive = list[Projected](), list[Projected]()
    with temporary_folder() as folder, filled_topic(folder, EVENTS, report) as filled:
        archive = folder / "archive"
        other = filled.topic._replace(name=f"{filled.topic.name}-archived")
        asyncio.run(install(other, own_secrets(folder / "secrets"), Wish(replication=1)))
        trimmed = asyncio.run(fill(other, EVENTS, report))
        archiving_s = _archive(folder, archive, trimmed, report)
        size = disk_bytes(archive) / EVENTS
        for _ in range(ROUNDS):
            from_kafka.append(project_into_folder(folder, filled, report))
            from_archive.append(project_into_folder(folder, trimmed, report, ARCHIVE_URL=f"file://{archive}"))
    return [
        figure("keeper processor time", archiving_s / EVENTS * 1e6, "µs/event"),
        figure("archive", size, "B/event"),
        figure("replay from the archive", [turn.rate for turn in from_archive], "events/s"),
        _compared("replay_from_archive_vs_kafka", from_archive, from_kafka, "rate"),
        _compared("replay_from_archive_vs_kafka by processor time", from_kafka, from_archive, "cpu_us"),
    ]


def _compared(name: str, over: list[Projected], under: list[Projected], field: str) -> Figure:
    """Return how many times as good a replay from the archive is."""
    ratio = median(getattr(turn, field) for turn in over) / median(getattr(turn, field) for turn in under)
    return figure(name, ratio, "times", at_least=OF_KAFKA)


def _archive(folder: Path, archive: Path, filled: FilledTopic, report: Report) -> float:
    """Run a keeper until the topic is empty; return its processor seconds."""

    async def left() -> int:
        reader = KafkaLogReader(filled.topic)
        try:
            return sum(await reader.ends()) - sum(await reader.starts())
        finally:
            await reader.stop()

    def is_empty() -> bool:
        records = asyncio.run(left())
        report(f"archiving, {records:,} records left in the topic")
        time.sleep(LOOK_EVERY_S)
        return not records

    env = {"LOG_URL": log_url(filled.topic), "ARCHIVE_URL": f"file://{archive}", "HOT_DAYS": HOT_DAYS}
    with running_service(folder, "keeper", env=env) as keeper:
        wait_until(is_empty, keeper, folder, LIMIT_S)
        return cpu_s(keeper.pid)


QUESTIONS = (BenchQuestion("replay_from_archive", "the archive → tables, beside Kafka → tables", _measure),)
