"""The log in Apache Kafka: `KafkaEventLog` appends, `KafkaLogReader` reads by offset. Nobody else knows aiokafka."""

from ingest.kafka_log.installation import InstalledTopic
from ingest.kafka_log.producer import KafkaEventLog
from ingest.kafka_log.reader import KafkaLogReader
from ingest.kafka_log.topic import KafkaTopic

__all__ = ["InstalledTopic", "KafkaEventLog", "KafkaLogReader", "KafkaTopic"]
