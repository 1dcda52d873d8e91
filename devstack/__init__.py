"""Kafka from jars, a stand-in for ClickHouse and a supervisor: the whole pipeline on a machine without containers."""
