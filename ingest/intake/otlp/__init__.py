"""OTLP/HTTP: what coding agents export as telemetry, mapped to known events."""
