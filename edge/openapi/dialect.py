"""Translate msgspec's JSON Schema to OpenAPI 3.0.

The document is 3.0, not 3.1: neither the packaged Swagger UI nor many client generators read 3.1.
"""

from typing import Any

Schema = dict[str, Any]
_NULL = {"type": "null"}


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


def nullable(schema: Schema) -> Schema:
    """Return the schema, extended by null."""
    if "$ref" in schema:  # 3.0 ignores the siblings of a reference
        return {"allOf": [schema], "nullable": True}
    if "enum" in schema:
        return {**schema, "enum": [*schema["enum"], None], "nullable": True}
    return {**schema, "nullable": True}


def _any_of(choices: list[Schema]) -> Schema:
    others = [to_openapi(choice) for choice in choices if choice != _NULL]
    one = others[0] if len(others) == 1 else {"anyOf": others}
    return nullable(one) if _NULL in choices else one


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
