"""The schemas of bodies and responses, made by msgspec from the types that decode and encode them."""

from collections.abc import Callable, Collection
from typing import Any

import msgspec

Schema = dict[str, Any]
_REF = "#/components/schemas/"
_NULL = {"type": "null"}


class TypeSchemas:
    """The named schemas in ``components``, and `of`, which returns a type's schema with references to them."""

    def __init__(self, bodies: Collection[Any], responses: Collection[Any]) -> None:
        self.components: dict[str, Schema] = {}
        self._schemas: dict[str, Schema] = {}
        self._add(bodies, lambda component: component)
        self._add(responses, _always_present)

    def of(self, kind: Any) -> Schema:
        """Return the schema of one of the given types."""
        return self._schemas[repr(kind)]

    def example(self, schema: Schema) -> Any:
        """Compose a value from the examples of fields. Optional fields without an example are left out."""
        if "$ref" in schema and "examples" not in schema:
            return self.example(self.components[schema["$ref"].removeprefix(_REF)])
        if "anyOf" in schema and "examples" not in schema:
            return self.example(schema["anyOf"][0])
        if "properties" in schema:
            found = {name: self.example(field) for name, field in schema["properties"].items()}
            return {name: it for name, it in found.items() if it is not None or name in schema.get("required", ())}
        if "items" in schema and "examples" not in schema:
            return [self.example(schema["items"])]
        return next(iter(schema.get("examples", ())), None)

    def _add(self, kinds: Collection[Any], finish: Callable[[Schema], Schema]) -> None:
        schemas, components = msgspec.json.schema_components(kinds, ref_template=_REF + "{name}")
        for name, component in components.items():
            fields = {field: described(schema) for field, schema in component.get("properties", {}).items()}
            self.components[name] = finish({**component, "properties": fields})
        self._schemas |= {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}


def described(schema: Schema) -> Schema:
    """Move what ``X | None`` says about ``X`` to the top, where readers of the document look for it.

    The tag of a tagged union, which has no place for a `doc`, is described here.
    """
    if [*schema] == ["enum"]:
        return {"description": "Which of the forms this is.", "examples": schema["enum"], **schema}
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    if len(choices) != 1:
        return schema
    said = {key: choices[0][key] for key in ("description", "examples") if key in choices[0]}
    rest = {key: value for key, value in choices[0].items() if key not in said}
    return {**said, **schema, "anyOf": [rest, *(choice for choice in schema["anyOf"] if choice == _NULL)]}


def not_null(schema: Schema) -> Schema:
    """Return the schema of a parameter, which may be absent, but never null."""
    choices = [choice for choice in schema.get("anyOf", ()) if choice != _NULL]
    return {**{key: schema[key] for key in schema if key != "anyOf"}, **choices[0]} if len(choices) == 1 else schema


def _always_present(component: Schema) -> Schema:
    """Mark fields with a default as required: responses always have them."""
    fields: dict[str, Schema] = component["properties"]
    always = [name for name in fields if name in component["required"] or "default" in fields[name]]
    bare = {name: {key: value for key, value in field.items() if key != "default"} for name, field in fields.items()}
    return {**component, "required": always, "properties": bare}
