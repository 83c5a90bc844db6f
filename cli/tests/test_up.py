"""`pravah up` and `pravah down`, with every process of the house."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from pravah_cli.local.ports import answers
from pravah_cli.local.running import recall
from pravah_cli.stack.processes import SERVICE_PROCESSES
from pravah_cli.testing import Deployment

UP_SECONDS = 240


class Stack:
    """A stack on free ports, with the test run's broker and store and names of its own."""

    def __init__(self, deployment: Deployment) -> None:
        self.state = deployment.state_dir
        named = deployment.environment("all", mongo_database=deployment.name)
        given = {name: text for name, text in named.items() if "SMTP" not in name}
        clean = {name: text for name, text in os.environ.items() if not name.startswith("PRAVAH_")}
        self.environment = {**clean, **given}
        deployment.databases |= {
            f"{deployment.name}_{process.service}" for process in SERVICE_PROCESSES
        }

    def pravah(self, *argv: str) -> tuple[int, Any]:
        """Run a command with --json; return its exit code and what it printed."""
        done = subprocess.run(
            [sys.executable, "-m", "pravah_cli", *argv, "--json"],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.returncode, json.loads(done.stdout)


@pytest.fixture
def own(deployment: Deployment) -> Iterator[Stack]:
    """Yield the stack, up; taken down whatever the test did."""
    stack = Stack(deployment)
    stack.pravah("up", "--free-ports")
    yield stack
    stack.pravah("down")


@pytest.mark.stack
@pytest.mark.slow
@pytest.mark.timeout(3 * UP_SECONDS)
def test_all_processes_come_up_twice_without_harm_and_go_down(own: Stack) -> None:
    """Every process is ready; a second `up` starts nothing; `down` leaves nothing listening."""
    code, said = own.pravah("status")
    assert (code, said["ready"]) == (0, True)
    assert {process["name"] for process in said["processes"]} == {
        *(process.name for process in SERVICE_PROCESSES),
        *("mail", "issuer", "operators"),
    }
    assert said["given"] == ["kafka", "mongo"]

    before = {name: process.pid for name, process in recall(own.state).items()}
    own.pravah("up", "--free-ports")
    running = recall(own.state)
    assert {name: process.pid for name, process in running.items()} == before

    _, stopped = own.pravah("down")
    assert set(stopped["stopped"]) == set(before)
    ports = [port for process in running.values() for port in process.ports.values()]
    assert not any(answers(port) for port in ports)
