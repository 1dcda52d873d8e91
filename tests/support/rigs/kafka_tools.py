"""Kafka's own command-line tools, from the jars: a command line that has to succeed."""

import shlex
import subprocess

from devstack.kafka_jars import archive
from tests.support.rigs.kafka import need_jars

_TOOLS = {"kafka-configs.sh": "ConfigCommand", "kafka-topics.sh": "TopicCommand"}


def kafka_tool(bootstrap: str, line: str) -> None:
    """Run ``line`` against a broker."""
    need_jars()
    script, *words = shlex.split(line)
    assert bootstrap in words
    command = [*archive.jvm(), f"org.apache.kafka.tools.{_TOOLS[script]}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
