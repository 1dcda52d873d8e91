"""Kafka's own command-line tools, from the jars: a command line that has to succeed."""

import shlex
import subprocess

from deploy.devstack.kafka_jars.broker import Broker
from deploy.devstack.kafka_jars.jars import jars, java

_TOOLS = {"kafka-configs.sh": "ConfigCommand", "kafka-topics.sh": "TopicCommand"}


def kafka_tool(broker: Broker, line: str) -> None:
    """Run ``line`` against a broker from jars."""
    script, *words = shlex.split(line)
    assert broker.bootstrap in words
    command = [java(), "-cp", f"{jars()}/*", f"org.apache.kafka.tools.{_TOOLS[script]}", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
