"""The schemas of bodies and replies, by the types that decode and encode them, each field with what it means."""

from collections.abc import Collection
from typing import Any

import msgspec

from edge.openapi.dialect import Schema, to_openapi
from schemas.http.glossary import entry_for

REF = "#/components/schemas/{name}"


class TypeSchemas:
    """``components`` holds what is named; `of` gives a type's schema, which refers to them."""

    def __init__(self, bodies: Collection[Any], replies: Collection[Any]) -> None:
        self.components: dict[str, Schema] = {}
        self._schemas = self._add(bodies, _body) | self._add(replies, _reply)

    def of(self, kind: Any) -> Schema:
        """The schema of one of the types that were given."""
        return self._schemas[repr(kind)]

    def _add(self, kinds: Collection[Any], finish: Any) -> dict[str, Schema]:
        schemas, components = msgspec.json.schema_components(kinds, ref_template=REF)
        for name, component in components.items():
            self.components[name] = _with_field_meanings(finish(to_openapi(component)), name)
        return {repr(kind): to_openapi(schema) for kind, schema in zip(kinds, schemas, strict=True)}


def plain_schema(kind: Any) -> Schema:
    """The schema of a plain type."""
    schema: Schema = to_openapi(msgspec.json.schema(kind))
    return schema


def with_meaning(name: str, schema: Schema, owner: str = "") -> Schema:
    """The schema of a field or parameter with the meaning of its name."""
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


def _body(schema: Schema) -> Schema:
    return schema


def _reply(schema: Schema) -> Schema:
    """A reply always has all of its fields, also those that our code may leave out when it makes one."""
    fields: dict[str, Schema] = schema.get("properties", {})
    always = [name for name in fields if name in schema["required"] or "default" in fields[name]]
    bare = {name: {key: value for key, value in field.items() if key != "default"} for name, field in fields.items()}
    return {**schema, "required": always, "properties": bare} if fields else schema


def _with_field_meanings(schema: Schema, owner: str) -> Schema:
    fields = {name: with_meaning(name, field, owner) for name, field in schema.get("properties", {}).items()}
    schema = {**schema, "properties": fields} if fields else schema
    return {key: value for key, value in schema.items() if (key, value) != ("required", [])}
