"""Run the production layout on one machine without Docker: Kafka from jars, a stand-in for ClickHouse, a supervisor.

A ClickHouse server can't be installed with pip, but its engine can (chDB). The store server puts ClickHouse's HTTP
interface in front of that engine, so `stack` and tests use the client, the statements and the errors of production.
Nothing in this folder is part of the wheel.
"""
