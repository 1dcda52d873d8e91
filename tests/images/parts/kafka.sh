#!/bin/sh
# Kafka as the image apache/kafka runs it: a variable KAFKA_A_B is the property a.b, and the storage is formatted once.
set -eu
env | sed -n 's/^KAFKA_//p' | while IFS='=' read -r name value; do
    printf '%s=%s\n' "$(printf %s "$name" | tr A-Z_ a-z.)" "$value"
done > /tmp/server.properties
tool() { java -Xmx256m -cp '/opt/kafka/*' "$@"; }
tool kafka.tools.StorageTool format --ignore-formatted --cluster-id "$CLUSTER_ID" --config /tmp/server.properties
exec java -Xms128m -Xmx512m -XX:+UseSerialGC -XX:+ExitOnOutOfMemoryError -cp '/opt/kafka/*' kafka.Kafka /tmp/server.properties
