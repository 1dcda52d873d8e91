"""How many events a second does the write side make durable in Kafka?"""

from bench.harness import Question, Result, Say
from bench.ingest import ingest
from bench.kafka import kafka_topic, log_url
from bench.services import http_service, temporary_folder


def measure(say: Say) -> list[Result]:
    """One process of ours and one broker."""
    with (
        temporary_folder() as folder,
        kafka_topic(folder) as topic,
        http_service(folder, "ingest", {"LOG_URL": log_url(topic), "DEV_TOKENS": "1"}) as (process, target),
    ):
        return ingest("ingest_kafka", target, process.pid, say)


QUESTION = Question("ingest_kafka", "HTTP → Kafka, 32 connections, 100 events a request", measure)
