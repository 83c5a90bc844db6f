"""Bringing a cluster's topics to what the topic table says."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from pravah_shared.errors import BrokerUnavailable, ConfigurationError
from pravah_shared.kafka.connection import client_options, started
from pravah_shared.kafka.table import TOPICS, Topic
from pravah_shared.settings import Settings

__all__ = ["TOPICS", "Change", "Topic", "apply"]

DEADLINE_SECONDS = 60.0
POLL_SECONDS = 0.05
LEAST_REPLICAS = 3
"""In production: two acknowledge each record while the third may be away."""
DYNAMIC_TOPIC_CONFIG = 1
"""Kafka's number for a setting made on the topic itself (KIP-226)."""


@dataclass(frozen=True, slots=True)
class Change:
    """What was done to a topic (its name with prefix), for people."""

    topic: str
    what: str


async def apply(settings: Settings) -> list[Change]:
    """Create missing topics and correct settings; return what was changed. Safe to repeat.

    Settings that the table does not name are left as they are. Returns when every topic has
    its leaders, so that clients started next find them.

    Raises:
        ConfigurationError: a topic has another number of partitions. Changing it would send a
            learner's later events past the earlier ones; nothing was changed. Or production
            with too few replicas.
        BrokerUnavailable: some topics may have been created; apply again.
    """
    _refuse_few_replicas(settings)
    wanted = {settings.topic_prefix + topic.name: topic for topic in TOPICS.values()}
    async with _admin(settings) as admin:
        found = await _leaders(admin)
        _refuse_other_partitions(wanted, found, settings)
        missing = {name: topic for name, topic in wanted.items() if name not in found}
        present = {name: topic for name, topic in wanted.items() if name in found}
        changes = await _correct(admin, present, settings)
        changes += await _create(admin, missing, settings)
        await _led(admin, wanted)
    return changes


@asynccontextmanager
async def _admin(settings: Settings) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_options(settings))
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            await started(admin.start())
            yield admin
    except (KafkaError, OSError, TimeoutError) as error:
        raise BrokerUnavailable(
            f"topics not applied at {settings.kafka_bootstrap}: {error!r}; "
            "check the brokers and PRAVAH_KAFKA_*, then apply again"
        ) from error
    finally:
        await admin.close()


async def _leaders(admin: AIOKafkaAdminClient) -> dict[str, list[int]]:
    """Return each topic's leading broker per partition; below zero: none now."""
    return {
        topic["topic"]: [partition["leader"] for partition in topic["partitions"]]
        for topic in await admin.describe_topics()
    }


async def _led(admin: AIOKafkaAdminClient, wanted: Mapping[str, Topic]) -> None:
    while True:
        leaders = await _leaders(admin)
        if all(name in leaders and min(leaders[name], default=-1) >= 0 for name in wanted):
            return
        await asyncio.sleep(POLL_SECONDS)


def _refuse_few_replicas(settings: Settings) -> None:
    """Refuse in production what would also loosen `min.insync.replicas` of topics that are there.

    With one or two replicas "acknowledged by all in sync" means on a single broker.
    """
    if settings.environment == "production" and settings.replication_factor < LEAST_REPLICAS:
        raise ConfigurationError(
            f"PRAVAH_REPLICATION_FACTOR is {settings.replication_factor}; production needs "
            f"{LEAST_REPLICAS} or more, or what was answered 2xx is lost with one broker"
        )


def _refuse_other_partitions(
    wanted: Mapping[str, Topic], found: Mapping[str, list[int]], settings: Settings
) -> None:
    wrong = [
        f"{name} has {len(found[name])} partitions, not {topic.partitions(settings)}"
        for name, topic in wanted.items()
        if name in found and len(found[name]) != topic.partitions(settings)
    ]
    if wrong:
        raise ConfigurationError(
            f"{'; '.join(wrong)}. The count never changes, or a learner's order is lost: set "
            "PRAVAH_PARTITIONS to what the topics have, or use another PRAVAH_TOPIC_PREFIX"
        )


async def _create(
    admin: AIOKafkaAdminClient, missing: Mapping[str, Topic], settings: Settings
) -> list[Change]:
    if not missing:
        return []
    answer = await admin.create_topics(
        [
            NewTopic(
                name,
                topic.partitions(settings),
                settings.replication_factor,
                topic_configs=topic.configuration(settings),
            )
            for name, topic in missing.items()
        ]
    )
    for name, code, said in answer.topic_errors:
        # Another process may apply at the same time; the next run compares its settings.
        if code not in (0, TopicAlreadyExistsError.errno):
            raise ConfigurationError(
                f"Kafka refuses topic {name}: {for_code(code).__name__} {said}"
            )
    return [Change(name, "created") for name in missing]


async def _correct(
    admin: AIOKafkaAdminClient, present: Mapping[str, Topic], settings: Settings
) -> list[Change]:
    """Set what differs. The request replaces all of a topic's own settings, so it repeats them."""
    changes, corrections = await _differences(admin, present, settings)
    if corrections:
        for answer in await admin.alter_configs(corrections):
            _refuse_errors(answer.resources)
        await _followed(admin, present, settings)
    return changes


async def _followed(
    admin: AIOKafkaAdminClient, present: Mapping[str, Topic], settings: Settings
) -> None:
    """Wait for the broker: the controller acknowledges a setting before it is in force."""
    while True:
        differences, _ = await _differences(admin, present, settings)
        if not differences:
            return
        await asyncio.sleep(POLL_SECONDS)


async def _differences(
    admin: AIOKafkaAdminClient, present: Mapping[str, Topic], settings: Settings
) -> tuple[list[Change], list[ConfigResource]]:
    changes: list[Change] = []
    corrections: list[ConfigResource] = []
    for name, (now, own) in (await _settings_in_force(admin, present)).items():
        wanted = present[name].configuration(settings)
        different = {key: text for key, text in wanted.items() if now.get(key) != text}
        changes += [Change(name, f"{key} {now.get(key)} → {new}") for key, new in different.items()]
        if different:
            corrections.append(ConfigResource(ConfigResourceType.TOPIC, name, own | wanted))
    return changes, corrections


async def _settings_in_force(
    admin: AIOKafkaAdminClient, topics: Mapping[str, Topic]
) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Return for each topic all its settings, and those of them made on the topic itself."""
    settings: dict[str, tuple[dict[str, str], dict[str, str]]] = {}
    if not topics:
        return settings
    resources = [ConfigResource(ConfigResourceType.TOPIC, name) for name in topics]
    for answer in await admin.describe_configs(resources):
        _refuse_errors(resource[:4] for resource in answer.resources)
        for _, _, _, name, entries in answer.resources:
            known = {key: text for key, text, *_ in entries}
            own = {
                key: text for key, text, _, source, *_ in entries if source == DYNAMIC_TOPIC_CONFIG
            }
            settings[name] = (known, own)
    return settings


def _refuse_errors(resources: Any) -> None:
    for code, said, _, name in resources:
        if code:
            raise ConfigurationError(f"Kafka refuses {name}: {for_code(code).__name__} {said}")
