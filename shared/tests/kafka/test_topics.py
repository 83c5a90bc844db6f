"""Topics on the real broker."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from pravah_cli.testing.stack import Stack
from pravah_cli.testing.waiting import eventually
from pravah_shared.errors import BrokerUnavailable, ConfigurationError
from pravah_shared.events import EVENT_TYPES
from pravah_shared.kafka.cleanup import delete_topics
from pravah_shared.kafka.connection import client_options
from pravah_shared.kafka.table import DAY_MS
from pravah_shared.kafka.topics import TOPICS, Change, apply
from pravah_shared.settings import Settings


@pytest.fixture
async def bare(stack: Stack) -> AsyncIterator[Settings]:
    """Yield settings whose prefix no topic has yet."""
    settings = Settings(
        kafka_bootstrap=stack.kafka_bootstrap, topic_prefix=f"t{uuid4().hex[:12]}.", partitions=3
    )
    yield settings
    await delete_topics(settings)


async def in_force(settings: Settings, topic: str) -> dict[str, str]:
    """Ask the broker for a topic's settings."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, settings.topic_prefix + topic)
        [answer] = await admin.describe_configs([resource])
        [(_, _, _, _, entries)] = answer.resources
        return {key: text for key, text, *_ in entries}
    finally:
        await admin.close()


async def alter(settings: Settings, topic: str, wanted: dict[str, str]) -> None:
    """Do what an operator does by hand."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        name = settings.topic_prefix + topic
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, wanted)])
    finally:
        await admin.close()

    async def visible() -> bool:
        return wanted.items() <= (await in_force(settings, topic)).items()

    await eventually(visible, 10, f"{wanted} on {topic}")


async def partitions(settings: Settings) -> dict[str, int]:
    """Ask the broker how many partitions our topics have."""
    admin = AIOKafkaAdminClient(**client_options(settings))
    await admin.start()
    try:
        return {
            topic["topic"].removeprefix(settings.topic_prefix): len(topic["partitions"])
            for topic in await admin.describe_topics()
            if topic["topic"].startswith(settings.topic_prefix)
        }
    finally:
        await admin.close()


def test_every_event_has_its_topic() -> None:
    """No event type is published where nobody created a topic."""
    assert {model.topic for model in EVENT_TYPES.values()} <= set(TOPICS)


def test_what_parties_outside_may_read_is_decided() -> None:
    """Personal data, raw reports and dead letters stay ours; see interfaces.md."""
    public = {topic.name for topic in TOPICS.values() if topic.public}

    assert public == {"enrolled", "assigned", "courses", "completed", "certified"}


async def test_apply_creates_every_topic(bare: Settings) -> None:
    """A fresh cluster gets the whole table, learner topics with one partition count."""
    changes = await apply(bare)

    assert {change.topic for change in changes} == {bare.topic_prefix + name for name in TOPICS}
    assert {change.what for change in changes} == {"created"}
    counted = await partitions(bare)
    assert counted == {name: topic.partitions(bare) for name, topic in TOPICS.items()}
    assert {counted[name] for name in ("enrolled", "progressed", "completed", "people")} == {3}


async def test_production_needs_three_replicas() -> None:
    """Forgetting the setting would leave every acknowledged record on one broker."""
    settings = Settings.model_construct(environment="production", replication_factor=2)
    with pytest.raises(ConfigurationError, match="PRAVAH_REPLICATION_FACTOR"):
        await apply(settings)


async def test_settings_reach_the_broker(bare: Settings) -> None:
    """Time, retention and compaction are as the table says."""
    await apply(bare)
    progressed, people = await in_force(bare, "progressed"), await in_force(bare, "people")

    assert progressed["cleanup.policy"] == "delete"
    assert progressed["retention.ms"] == str(7 * DAY_MS)
    assert progressed["message.timestamp.type"] == "LogAppendTime"
    assert progressed["max.message.bytes"] == str(1024 * 1024)
    assert people["cleanup.policy"] == "compact"
    assert people["delete.retention.ms"] == str(30 * DAY_MS)
    assert people["max.compaction.lag.ms"] == str(DAY_MS)


async def test_apply_again_changes_nothing(bare: Settings) -> None:
    """Every deployment and every start may run it."""
    await apply(bare)

    assert await apply(bare) == []


async def test_apply_mends_a_drifted_setting_and_leaves_others(bare: Settings) -> None:
    """The table wins where it speaks; an operator's own settings stay."""
    await apply(bare)
    await alter(bare, "progressed", {"retention.ms": "1000", "segment.bytes": "16777216"})

    changes = await apply(bare)

    name = f"{bare.topic_prefix}progressed"
    assert Change(name, f"retention.ms 1000 → {7 * DAY_MS}") in changes
    assert (await in_force(bare, "progressed"))["segment.bytes"] == "16777216"
    assert await apply(bare) == []


async def test_another_partition_count_is_refused(bare: Settings) -> None:
    """Growing a learner topic would break the order of everybody on it: nothing is changed."""
    await apply(bare)
    await alter(bare, "progressed", {"retention.ms": "1000"})

    with pytest.raises(ConfigurationError, match="enrolled has 3 partitions, not 4"):
        await apply(bare.model_copy(update={"partitions": 4}))

    assert (await in_force(bare, "progressed"))["retention.ms"] == "1000"


async def test_too_many_replicas_are_a_configuration_error(bare: Settings) -> None:
    """One broker cannot keep three copies, and the message says that this is asked."""
    with pytest.raises(ConfigurationError, match="InvalidReplicationFactor"):
        await apply(bare.model_copy(update={"replication_factor": 3}))


async def test_an_unreachable_broker_is_transient() -> None:
    """Nothing is decided about the topics; apply again."""
    with pytest.raises(BrokerUnavailable, match=r"127\.0\.0\.1:1"):
        await apply(Settings(kafka_bootstrap="127.0.0.1:1"))


def test_production_keeps_acknowledged_records_on_two_brokers() -> None:
    """With three replicas, one broker may be away and writes go on, on two at least."""
    configured = TOPICS["progressed"].configuration(Settings(replication_factor=3))

    assert configured["min.insync.replicas"] == "2"
    assert configured["unclean.leader.election.enable"] == "false"
