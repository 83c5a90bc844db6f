"""The parts as containers, under the names that the project's compose file uses."""

from collections.abc import Iterator
from contextlib import contextmanager

from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from pravah_cli.local.kafka import serves
from pravah_cli.local.ports import answers, free_port
from pravah_cli.testing.waiting import wait_until

KAFKA_IMAGE = "apache/kafka:4.1.1"
MONGO_IMAGE = "mongo:8"
START_SECONDS = 120


def images() -> list[str]:
    """Return the images that must be at hand, testcontainers' reaper included unless disabled."""
    reaper = [] if testcontainers_config.ryuk_disabled else [testcontainers_config.ryuk_image]
    return [KAFKA_IMAGE, MONGO_IMAGE, *reaper]


@contextmanager
def kafka_container() -> Iterator[str]:
    """Run a broker; yield its bootstrap address."""
    port = free_port()  # chosen before, because a broker must advertise the port clients see
    container = DockerContainer(KAFKA_IMAGE).with_bind_ports(port, port)
    for name, value in {
        "PROCESS_ROLES": "broker,controller",
        "NODE_ID": "1",
        "CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "LISTENERS": f"PLAINTEXT://:{port},CONTROLLER://:9093",
        "ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{port}",
        "CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "AUTO_CREATE_TOPICS_ENABLE": "false",
        "OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "OFFSETS_TOPIC_NUM_PARTITIONS": "4",
        "TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "TRANSACTION_STATE_LOG_NUM_PARTITIONS": "4",
        "GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
    }.items():
        container = container.with_env(f"KAFKA_{name}", value)
    with container:
        wait_until(lambda: serves(port), START_SECONDS, f"{KAFKA_IMAGE} on port {port}")
        yield f"127.0.0.1:{port}"


@contextmanager
def mongo_container() -> Iterator[str]:
    """Run a store; yield its URI."""
    with DockerContainer(MONGO_IMAGE).with_exposed_ports(27017) as container:
        port = int(container.get_exposed_port(27017))
        wait_until(lambda: answers(port), START_SECONDS, f"{MONGO_IMAGE} on port {port}")
        # Directly: as a replica set it would name an address that is good inside only.
        yield f"mongodb://127.0.0.1:{port}/?directConnection=true"
