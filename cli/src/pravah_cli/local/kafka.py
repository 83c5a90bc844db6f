"""Apache Kafka on this machine: the real broker in KRaft mode, from its Maven artifacts.

The jars are named by `deploy/local/kafka/pom.xml`, kept in the cache and fetched once. Each
broker has a data directory of its own, so several can stand side by side on other ports.
"""

import os
import shutil
import socket
import struct
import subprocess
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pravah_cli.local.process import Launch, PartError

VERSION = "4.1.1"
HEAP = "-Xmx768m"
"""Tried: 310-430 MB resident with the demo and the tests."""
MAVEN_SECONDS = 600
FORMAT_SECONDS = 120

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs={log_dir}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
"""
BEHIND = """\
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port},PROXIED://127.0.0.1:{behind.port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port},PROXIED://127.0.0.1:{behind.proxy_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
"""
"""Of a property that stands twice, the later counts."""


@dataclass(frozen=True, slots=True)
class Behind:
    """A second way in, at `port`: whoever comes by it is told to come to `proxy_port` instead.

    A Kafka client leaves the address it was given for those that the broker advertises, so a
    proxy that is not advertised sees no more than its first request.
    """

    port: int
    proxy_port: int


@dataclass(frozen=True, slots=True)
class KafkaPart:
    """One broker: its ports and its data directory."""

    port: int
    controller_port: int
    data_dir: Path
    cache: Path
    behind: Behind | None = None

    @property
    def bootstrap(self) -> str:
        """Bootstrap address for clients."""
        return f"127.0.0.1:{self.port}"

    def launch(self) -> Launch:
        """Fetch jars and format the data directory if needed, and say how to start.

        Safe to repeat: data that is there stays.
        """
        classpath = f"{ensure_jars(self.cache)}/*"
        properties = self._configure(classpath)
        quiet = self.data_dir / "log4j2.properties"
        quiet.write_text(
            "rootLogger.level=WARN\nrootLogger.appenderRef.out.ref=out\n"
            "appender.out.type=Console\nappender.out.name=out\n"
            "appender.out.layout.type=PatternLayout\n"
            "appender.out.layout.pattern=%d %p %c: %m%n\n"
        )
        return Launch(
            name="kafka",
            argv=[
                "java",
                HEAP,
                f"-Dlog4j2.configurationFile={quiet}",
                "-cp",
                classpath,
                "kafka.Kafka",
                str(properties),
            ],
            ready=lambda: serves(self.port),
            ports={
                "PRAVAH_KAFKA_PORT": self.port,
                "PRAVAH_KAFKA_CONTROLLER_PORT": self.controller_port,
            },
            ready_seconds=120,
            grace_seconds=30,
        )

    def _configure(self, classpath: str) -> Path:
        """Write server.properties and format the log directory once; return the file."""
        log_dir = self.data_dir / "log"
        log_dir.mkdir(parents=True, exist_ok=True)
        properties = self.data_dir / "server.properties"
        template = PROPERTIES if self.behind is None else PROPERTIES + BEHIND
        properties.write_text(
            template.format(
                port=self.port,
                controller_port=self.controller_port,
                log_dir=log_dir,
                behind=self.behind,
            )
        )
        if not (log_dir / "meta.properties").exists():
            cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
            tool = ["java", "-cp", classpath, "kafka.tools.StorageTool", "format"]
            run([*tool, "-t", cluster, "-c", str(properties)], FORMAT_SECONDS)
        return properties


def ensure_jars(cache: Path, say: Callable[[str], None] = lambda _: None) -> Path:
    """Return the directory of Kafka's jars, fetched with Maven if the cache has none.

    Raises:
        PartError: Java or Maven is missing or failed; the message says what to install.
    """
    jars = cache / f"kafka-{VERSION}" / "libs"
    if jars.is_dir():
        return jars
    for tool in ("java", "mvn"):
        if not shutil.which(tool):
            raise PartError(
                f"Kafka needs {tool}, which is not on PATH; install it with "
                "`apt-get install openjdk-17-jre-headless maven` and run this again"
            )
    say(f"fetching Apache Kafka {VERSION} with Maven (92 jars, 54 MB, once)")
    jars.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=jars.parent) as fresh:
        argv = ["mvn", "-q", "-B", "-f", str(pom()), "dependency:copy-dependencies"]
        target = Path(fresh) / "libs"
        run([*argv, "-DincludeScope=runtime", f"-DoutputDirectory={target}"], MAVEN_SECONDS)
        if not jars.is_dir():  # another setup may have been faster
            target.rename(jars)
    return jars


def pom() -> Path:
    """Return the project file that pins Kafka's artifacts."""
    for folder in Path(__file__).resolve().parents:
        if (found := folder / "deploy" / "local" / "kafka" / "pom.xml").exists():
            return found
    raise PartError("deploy/local/kafka/pom.xml is not here; run this from a checkout")


def run(argv: list[str], seconds: float) -> None:
    """Run a tool to its end.

    Raises:
        PartError: it failed or took longer than `seconds`; the message holds what it said.
    """
    try:
        subprocess.run(
            argv, check=True, capture_output=True, text=True, timeout=seconds, env=os.environ
        )
    except subprocess.CalledProcessError as error:
        said = "\n".join((error.stdout + error.stderr).splitlines()[-20:])
        raise PartError(f"{argv[0]} failed with code {error.returncode}:\n{said}") from error
    except subprocess.TimeoutExpired as error:
        raise PartError(f"{argv[0]} did not end within {seconds:.0f} s") from error


METADATA_WITHOUT_TOPICS = struct.pack(">hhih", 3, 1, 1, -1) + struct.pack(">i", 0)
"""Kafka protocol: Metadata v1, correlation id 1, no client id, no topics."""


def serves(port: int, host: str = "127.0.0.1") -> bool:
    """Whether the broker answers a metadata request and counts itself in.

    An open port is not enough: it opens before the broker has joined its own cluster.
    """
    try:
        with socket.create_connection((host, port), timeout=2) as connection:
            connection.settimeout(2)
            size = struct.pack(">i", len(METADATA_WITHOUT_TOPICS))
            connection.sendall(size + METADATA_WITHOUT_TOPICS)
            answer = connection.makefile("rb").read(12)
    except OSError:
        return False
    return len(answer) == 12 and struct.unpack(">iii", answer)[2] > 0  # noqa: PLR2004 - 3 ints
