"""OTLP/HTTP: what coding agents export as telemetry, mapped to known events.

``from_json`` and ``from_protobuf`` decode a request into one form (`exported`), one table for each client says what its
records mean, and `gather` groups the events by session. All of that is pure; `routes` does the rest.
"""
