"""JSON Schema of every event type: the model is the contract, the file is its picture.

Draft 7, because AsyncAPI tools and schema registries all read it.
"""

from typing import Any

from pydantic.json_schema import GenerateJsonSchema

from pravah_shared.codec import SCHEMA_BASE
from pravah_shared.events import EventData, PersonErased

DIALECT = "http://json-schema.org/draft-07/schema#"
Schema = dict[str, Any]


class _WithoutFieldTitles(GenerateJsonSchema):
    """Pydantic's titles repeat the fields' names."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - Pydantic's hook
        return False


def event_schema(model: type[EventData]) -> Schema:
    """Return the schema of an event's data as readers and writers must both hold it."""
    schema = model.model_json_schema(
        ref_template="#/definitions/{model}", schema_generator=_WithoutFieldTitles
    )
    definitions = schema.pop("$defs", {})
    return {
        "$schema": DIALECT,
        "$id": SCHEMA_BASE + model.type,
        **schema,
        **({"definitions": definitions} if definitions else {}),
    }


def has_value(model: type[EventData]) -> bool:
    """Whether events of this type carry data: a tombstone has no value and so no schema."""
    return model is not PersonErased
