"""The real parts that tests run on: fixtures, and instances of one's own to kill."""

from pravah_cli.testing.deployment import Deployment
from pravah_cli.testing.plugin import SettingsFor
from pravah_cli.testing.stack import Stack, own_kafka, own_store, part
from pravah_cli.testing.waiting import eventually, wait_until

__all__ = [
    "Deployment",
    "SettingsFor",
    "Stack",
    "eventually",
    "own_kafka",
    "own_store",
    "part",
    "wait_until",
]
