"""Schemas of bodies and responses, made from the types that decode and encode them, with the meaning of each field."""

from collections.abc import Collection
from typing import Any

import msgspec

from edge.openapi.dialect import Schema, to_openapi
from schemas.http.glossary import entry_for

REF = "#/components/schemas/{name}"


class TypeSchemas:
    """The named schemas in ``components``, and `of`, which returns a type's schema with references to them."""

    def __init__(self, bodies: Collection[Any], responses: Collection[Any]) -> None:
        self.components: dict[str, Schema] = {}
        self._schemas = self._add(bodies, _unchanged) | self._add(responses, _response_fields)

    def of(self, kind: Any) -> Schema:
        """Return the schema of one of the given types."""
        return self._schemas[repr(kind)]

    def _add(self, kinds: Collection[Any], finish: Any) -> dict[str, Schema]:
        schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
        for name, component in components.items():
            self.components[name] = _with_field_meanings(finish(to_openapi(component)), name)
        return {repr(kind): to_openapi(schema) for kind, schema in zip(kinds, schemas, strict=True)}


def plain_schema(kind: Any) -> Schema:
    """Return the schema of a type without named parts."""
    schema: Schema = to_openapi(msgspec.json.schema(kind))
    return schema


def with_meaning(name: str, schema: Schema, owner: str = "") -> Schema:
    """Add the meaning of a field's or parameter's name to its schema."""
    entry = entry_for(name, owner)
    if entry is None:
        return schema
    if "$ref" in schema:
        schema = {"allOf": [schema]}
    more: Schema = {"description": entry.meaning}
    if schema.get("type") == "string" and "enum" not in schema:
        more |= _constraints(entry.format, entry.values, bool(schema.get("nullable")))
    return {**schema, **more}


def _constraints(form: str | None, values: Collection[str], is_nullable: bool) -> Schema:
    constraints: Schema = {"format": form} if form else {}
    return constraints | ({"enum": [*values, None] if is_nullable else [*values]} if values else {})


def _unchanged(schema: Schema) -> Schema:
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
