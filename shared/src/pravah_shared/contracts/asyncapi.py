"""The AsyncAPI 3.1 document: who may read which topic, and what stands on it."""

from typing import Any

from pravah_shared.codec import SCHEMA_BASE
from pravah_shared.contracts.schemas import has_value
from pravah_shared.events import EventData
from pravah_shared.events.types import ID_PATTERN
from pravah_shared.kafka.table import TOPICS, Topic
from pravah_shared.settings import Settings

DESCRIPTION = """\
Events of Pravah as CloudEvents 1.0 in Kafka binary mode. Channels tagged `public` may be read by
other systems under an agreement; the others are internal and described for completeness.
Addresses bear the default prefix `learning.`; a deployment may use another.

Every event can be delivered more than once: `ce_id` is equal for equal facts. Fields are only
ever added, and may be left out; a breaking change is a new type on a new topic.\
"""


def document() -> dict[str, Any]:
    """Return the document. Dead letters are no contract and not in it."""
    settings = Settings.model_construct()
    topics = [topic for topic in TOPICS.values() if topic.event_types]
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "Pravah events",
            "version": "1.0.0",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic, settings) for topic in topics},
        "operations": {f"send-{topic.name}": _operation(topic) for topic in topics},
        "components": {
            "messages": {
                model.type: _message(model, topic)
                for topic in topics
                for model in topic.event_types
            }
        },
    }


def _audience(topic: Topic) -> list[dict[str, str]]:
    return [{"name": "public" if topic.public else "internal"}]


def _channel(topic: Topic, settings: Settings) -> dict[str, Any]:
    address = settings.topic_prefix + topic.name
    configuration = topic.configuration(settings)
    kept: dict[str, Any] = {"cleanup.policy": [configuration["cleanup.policy"]]}
    kept |= {
        name: int(configuration[name])
        for name in ("retention.ms", "delete.retention.ms", "max.message.bytes")
        if name in configuration
    }
    return {
        "address": address,
        "description": f"{topic.holds.capitalize()}. Record key: {topic.key}.",
        "messages": {
            model.type: {"$ref": f"#/components/messages/{model.type}"}
            for model in topic.event_types
        },
        "tags": _audience(topic),
        "bindings": {
            "kafka": {"topic": address, "topicConfiguration": kept, "bindingVersion": "0.5.0"}
        },
    }


def _operation(topic: Topic) -> dict[str, Any]:
    return {
        "action": "send",
        "channel": {"$ref": f"#/channels/{topic.name}"},
        "summary": f"Written by the {topic.writer} service.",
        "tags": _audience(topic),
        "messages": [
            {"$ref": f"#/channels/{topic.name}/messages/{model.type}"}
            for model in topic.event_types
        ],
    }


def _message(model: type[EventData], topic: Topic) -> dict[str, Any]:
    summary = (model.__doc__ or "").strip().splitlines()[0]
    message: dict[str, Any] = {
        "name": model.type,
        "title": model.__name__,
        "summary": summary,
        "headers": _headers(model),
        "tags": _audience(topic),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "pattern": ID_PATTERN, "description": topic.key},
                "bindingVersion": "0.5.0",
            }
        },
    }
    if has_value(model):
        message["contentType"] = "application/json"
        message["payload"] = {"$ref": f"./events/{model.type}.json"}
    return message


def _headers(model: type[EventData]) -> dict[str, Any]:
    text = {"type": "string", "minLength": 1}
    headers = {
        "ce_specversion": {"type": "string", "const": "1.0"},
        "ce_id": {**text, "description": "Equal for every repeat of the same fact."},
        "ce_source": {**text, "description": "/pravah/ and the writing service."},
        "ce_type": {"type": "string", "const": model.type},
        "ce_subject": {**text, "description": "Learner or course id; equals the record key."},
        "ce_time": {"type": "string", "format": "date-time"},
    }
    required = list(headers)
    if has_value(model):
        headers["ce_dataschema"] = {"type": "string", "const": SCHEMA_BASE + model.type}
        headers["content-type"] = {"type": "string", "const": "application/json"}
    headers["traceparent"] = {**text, "description": "W3C Trace Context."}
    return {"type": "object", "required": required, "properties": headers}
