"""Ports that are given are nobody else's."""

import subprocess
import sys

import pytest

from pravah_cli.local import ports
from pravah_shared.errors import ConfigurationError

OTHER = "from pravah_cli.local.ports import free_port; print(free_port(), flush=True); input()"


def test_a_port_is_given_once() -> None:
    """Not to be had again in this process, though nothing listens on it."""
    given = ports.free_ports(50)
    assert len({*given, *ports.free_ports(50)}) == 100


def test_what_another_process_was_given_is_its_own_until_it_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its server may be stopped just now, and must be able to come back."""
    argv = [sys.executable, "-c", OTHER]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        theirs = int(other.stdout.readline())
        monkeypatch.setattr(ports, "SERVED", range(theirs, theirs + 1))
        with pytest.raises(ConfigurationError, match="no free port"):
            ports.free_port()
        other.communicate(b"\n", timeout=30)
    assert ports.free_port() == theirs
