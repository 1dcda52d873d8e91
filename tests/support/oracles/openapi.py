"""Compare values with the documented schemas, more strictly than clients should: unknown fields are not allowed."""

from typing import Any

import jsonschema_rs

Schema = dict[str, Any]


def strict(schema: Any) -> Any:
    """Return the schema as plain JSON Schema, in which objects have only the named fields."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {
        key: {name: strict(field) for name, field in value.items()} if key == "properties" else strict(value)
        for key, value in schema.items()
    }
    return {"additionalProperties": False, **closed} if "properties" in closed else closed


def faults(document: Schema, schema: Schema, value: Any) -> list[str]:
    """Yield every error in ``value``, by its place."""
    whole = {**strict(schema), "components": strict(document["components"])}
    checker = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
    return [f"{error.instance_path}: {error.message}" for error in checker.iter_errors(value)]


def operations(document: Schema) -> list[tuple[str, str, Schema]]:
    """Yield path, method and operation of every documented route."""
    return [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]


def resolved(document: Schema, node: Schema) -> Schema:
    """Return the target of a reference."""
    if "$ref" not in node:
        return node
    found: Any = document
    for step in node["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found  # type: ignore[no-any-return]  # a component is a schema
