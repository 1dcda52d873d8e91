"""The log in Apache Kafka: `KafkaEventLog` appends, `KafkaLogReader` reads by offset. No other part knows aiokafka."""

from ingest.log.kafka.installation_record import InstalledTopic
from ingest.log.kafka.producer import KafkaEventLog
from ingest.log.kafka.reader import KafkaLogReader
from ingest.log.kafka.topic import KafkaTopic

__all__ = ["InstalledTopic", "KafkaEventLog", "KafkaLogReader", "KafkaTopic"]
