"""A deployment of a test's own on the shared parts: its topics, groups, databases and ports."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pravah_cli.testing.stack import Stack
from pravah_shared.settings import S


@dataclass(slots=True)
class Deployment:
    """Names that no other test uses. `name` begins them all."""

    name: str
    stack: Stack
    state_dir: Path
    databases: set[str] = field(default_factory=set)

    def settings(self, model: type[S], **overrides: Any) -> S:
        """Return a service's settings within this deployment."""
        service = model.__module__.partition(".")[0].removeprefix("pravah_")
        chosen = self._fields(service) | overrides
        self.databases.add(chosen["mongo_database"])
        return model(**chosen)

    def environment(self, service: str, **overrides: Any) -> dict[str, str]:
        """Return the same for a process of `service`, as environment variables."""
        chosen = self._fields(service) | {"state_dir": self.state_dir} | overrides
        self.databases.add(chosen["mongo_database"])
        return {f"PRAVAH_{name.upper()}": str(value) for name, value in chosen.items()}

    def _fields(self, service: str) -> dict[str, Any]:
        self.databases.add(keys := f"{self.name}_keys")
        return {
            "kafka_bootstrap": self.stack.kafka_bootstrap,
            "mongo_uri": self.stack.mongo_uri,
            "smtp_host": self.stack.smtp_host,
            "smtp_port": self.stack.smtp_port,
            "topic_prefix": f"{self.name}.",
            "group_prefix": f"{self.name}-",
            "mongo_database": f"{self.name}_{service}",
            "key_store_database": keys,
        }
