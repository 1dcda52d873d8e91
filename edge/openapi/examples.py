"""Compose examples of whole bodies from the examples of their fields."""

from collections.abc import Mapping
from typing import Any

from edge.openapi.dialect import Schema
from schemas.http.glossary import entry_for

_PREFIX = "#/components/schemas/"
_DEPTH_MAX = 6  # a hierarchy is recursive
_BY_TYPE: Mapping[str, Any] = {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "object": {}}


class Examples:
    """Compose examples of the named schemas."""

    def __init__(self, components: Mapping[str, Schema]) -> None:
        self._components = components

    def of(self, schema: Schema, owner: str = "", depth: int = 0) -> Any:
        """Return a value that fits ``schema``; ``owner`` is the struct that it belongs to."""
        if "example" in schema:
            return schema["example"]
        if "allOf" in schema or "anyOf" in schema:
            return self.of((schema.get("allOf") or schema["anyOf"])[0], owner, depth)
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(_PREFIX)
            return self.of(self._components[name], name, depth + 1)
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "array":
            return [self.of(schema["items"], owner, depth)] if depth < _DEPTH_MAX else []
        if "properties" in schema:
            return {name: self._field(name, field, owner, depth) for name, field in schema["properties"].items()}
        return _BY_TYPE.get(schema.get("type", ""))

    def _field(self, name: str, schema: Schema, owner: str, depth: int) -> Any:
        entry = entry_for(name, owner)
        if entry is not None and entry.example is not None and _is_plain(schema):
            return entry.example
        return self.of(schema, owner, depth)


def _is_plain(schema: Schema) -> bool:
    """Return whether the field's own example is complete. Structs are composed from their fields' examples."""
    items = schema.get("items", {})
    return not ({"$ref", "allOf"} & schema.keys() or "$ref" in items)
