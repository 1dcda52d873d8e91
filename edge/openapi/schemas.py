"""OpenAPI schemas of bodies and responses, made from the types that decode and encode them, with each field's meaning.

They are of OpenAPI 3.0, not 3.1: neither the packaged Swagger UI nor many client generators read 3.1.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from schemas.http.glossary import entry_for

Schema = dict[str, Any]
REF = "#/components/schemas/"
_NULL = {"type": "null"}
_DEPTH_MAX = 6  # a hierarchy is recursive
_BY_TYPE: Mapping[str, Any] = {"string": "…", "integer": 1, "number": 1.5, "boolean": True, "object": {}}


class TypeSchemas:
    """The named schemas in ``components``, and `of`, which returns a type's schema with references to them."""

    def __init__(self, bodies: Collection[Any], responses: Collection[Any]) -> None:
        self.components: dict[str, Schema] = {}
        self._schemas: dict[str, Schema] = {}
        self._add(bodies, lambda schema: schema)
        self._add(responses, _response_fields)

    def of(self, kind: Any) -> Schema:
        """Return the schema of one of the given types."""
        return self._schemas[repr(kind)]

    def example(self, schema: Schema, owner: str = "", depth: int = 0) -> Any:
        """Compose a value that fits ``schema``, a part of the struct ``owner``, from its fields' examples."""
        if "allOf" in schema or "anyOf" in schema:
            return self.example((schema.get("allOf") or schema["anyOf"])[0], owner, depth)
        if "$ref" in schema:
            name = schema["$ref"].removeprefix(REF)
            return self.example(self.components[name], name, depth + 1)
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "array":
            return [self.example(schema["items"], owner, depth)] if depth < _DEPTH_MAX else []
        if "properties" in schema:
            fields = schema["properties"].items()
            return {name: self._field_example(name, field, owner, depth) for name, field in fields}
        return _BY_TYPE.get(schema.get("type", ""))

    def _field_example(self, name: str, schema: Schema, owner: str, depth: int) -> Any:
        entry = entry_for(name, owner)
        is_struct = {"$ref", "allOf"} & schema.keys() or "$ref" in schema.get("items", {})
        if entry is not None and entry.example is not None and not is_struct:
            return entry.example
        return self.example(schema, owner, depth)

    def _add(self, kinds: Collection[Any], finish: Callable[[Schema], Schema]) -> None:
        schemas, components = msgspec.json.schema_components(kinds, ref_template=REF + "{name}")
        for name, component in components.items():
            self.components[name] = _with_field_meanings(finish(to_openapi(component)), name)
        self._schemas |= {repr(kind): to_openapi(schema) for kind, schema in zip(kinds, schemas, strict=True)}


def with_meaning(name: str, schema: Schema, owner: str = "") -> Schema:
    """Add the meaning of a field's or parameter's name to its schema."""
    entry = entry_for(name, owner)
    if entry is None:
        return schema
    if "$ref" in schema:
        schema = {"allOf": [schema]}
    schema = {**schema, "description": entry.meaning}
    if schema.get("type") == "string" and "enum" not in schema:
        schema |= {"format": entry.format} if entry.format else {}
        schema |= {"enum": [*entry.values, *([None] if "nullable" in schema else [])]} if entry.values else {}
    return schema


def _response_fields(schema: Schema) -> Schema:
    """Mark all fields as required: responses always have them, also where the constructor has a default."""
    fields: dict[str, Schema] = schema.get("properties", {})
    always = [name for name in fields if name in schema["required"] or "default" in fields[name]]
    bare = {name: {key: value for key, value in field.items() if key != "default"} for name, field in fields.items()}
    return {**schema, "required": always, "properties": bare} if fields else schema


def _with_field_meanings(schema: Schema, owner: str) -> Schema:
    fields = {name: with_meaning(name, field, owner) for name, field in schema.get("properties", {}).items()}
    schema = {**schema, "properties": fields} if fields else schema
    return {key: value for key, value in schema.items() if (key, value) != ("required", [])}


def to_openapi(schema: Any) -> Any:
    """Translate a schema and all schemas inside it."""
    if isinstance(schema, list):
        return [to_openapi(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    translated = {key: _inner(key, value) for key, value in schema.items() if key not in ("title", "anyOf")}
    if "anyOf" in schema:
        translated |= _any_of(schema["anyOf"])
    return _enumerated(_tuple(_bounds(translated)))


def _inner(key: str, value: Any) -> Any:
    """Translate a value. Keys of ``properties`` are field names, not keywords."""
    return {name: to_openapi(field) for name, field in value.items()} if key == "properties" else to_openapi(value)


def _nullable(schema: Schema) -> Schema:
    """Return the schema, extended by null."""
    if "$ref" in schema:  # 3.0 ignores the siblings of a reference
        return {"allOf": [schema], "nullable": True}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None], "nullable": True}
    return {**schema, "nullable": True}


def _any_of(choices: list[Schema]) -> Schema:
    others = [to_openapi(choice) for choice in choices if choice != _NULL]
    one = others[0] if len(others) == 1 else {"anyOf": others}
    return _nullable(one) if _NULL in choices else one


def _bounds(schema: Schema) -> Schema:
    for word, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if word in schema and not isinstance(schema[word], bool):
            schema |= {bound: schema[word], word: True}
    return schema


def _tuple(schema: Schema) -> Schema:
    """Translate a list of fixed length: 3.0 has no types by position."""
    if "prefixItems" not in schema:
        return schema
    places = schema.pop("prefixItems")
    same = all(place == places[0] for place in places)
    return {**schema, "items": places[0] if same else {"anyOf": places}}


def _enumerated(schema: Schema) -> Schema:
    if "const" in schema:
        schema = {**schema, "enum": [schema.pop("const")]}
    if "enum" in schema and all(isinstance(value, str | None) for value in schema["enum"]):
        schema = {"type": "string", **schema}
    return schema
