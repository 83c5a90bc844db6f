"""The commands as people and programs type them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from pravah_cli.local.ports import free_port
from pravah_cli.testing import Deployment
from pravah_shared.events import Completed, new_event
from pravah_shared.kafka.publisher import Publisher
from pravah_shared.settings import Settings


def pravah(state: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command on a state directory of the test's own."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("PRAVAH_")}
    return subprocess.run(
        [sys.executable, "-m", "pravah_cli", "--state-dir", str(state), *argv],
        env={**clean, "COLUMNS": "200", "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_names_every_command(tmp_path: Path) -> None:
    """A newcomer's first question is answered."""
    said = pravah(tmp_path, "--help").stdout
    for command in ("up", "down", "status", "doctor", "token", "topics", "events"):
        assert f" {command} " in said


def test_status_of_nothing_says_what_to_do(tmp_path: Path) -> None:
    """Nothing runs: exit code 1 and the command that changes it."""
    done = pravah(tmp_path, "status")
    assert (done.returncode, "pravah up" in done.stdout) == (1, True)
    done = pravah(tmp_path, "status", "--json")
    assert json.loads(done.stdout) == {"ready": False, "given": [], "processes": []}


def test_down_of_nothing_is_fine(tmp_path: Path) -> None:
    """Stopping what does not run succeeds."""
    done = pravah(tmp_path, "down", "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["stopped"] == []


def test_token_prints_a_token_and_nothing_else(tmp_path: Path) -> None:
    """`$(pravah token …)` can stand in a header."""
    done = pravah(tmp_path, "token", "--role", "learner", "--learner", "L1")
    assert done.stdout.count(".") == 2
    assert done.stdout.strip().count("\n") == 0


def test_a_page_link_leads_to_the_stack(tmp_path: Path) -> None:
    """The link opens the inbox of this stack's notification service."""
    argv = ("token", "--role", "learner", "--learner", "L1", "--page", "/inbox")
    done = pravah(tmp_path, *argv, PRAVAH_NOTIFICATION_API_PORT="4004")
    assert done.stdout.startswith("http://127.0.0.1:4004/session?token=")
    assert done.stdout.strip().endswith("&next=%2Finbox")


def test_explain_asks_for_the_readers_language(tmp_path: Path) -> None:
    """Of every service, as a browser does; a service that refuses costs its part of the story."""
    asked: list[str | None] = []

    class Refusing(BaseHTTPRequestHandler):
        """Remembers which language was asked for."""

        def do_GET(self) -> None:
            asked.append(self.headers["Accept-Language"])
            self.send_error(404)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    services = ("ENROLLMENT", "PROGRESS", "CERTIFICATE", "NOTIFICATION")
    with serving(Refusing) as port:
        ports = {f"PRAVAH_{service}_API_PORT": str(port) for service in services}
        done = pravah(tmp_path, "explain", "L1", "C1", "--language", "hi", "--json", **ports)
    assert asked == ["hi"] * len(services)
    assert json.loads(done.stdout)["first_missing"] == "enrolled"


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    """Serve on a free port, which is given."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_our_errors_are_one_line_without_traceback(tmp_path: Path) -> None:
    """The message, the remedy, exit code 1."""
    done = pravah(tmp_path, "token", "--role", "king")
    assert done.returncode == 1
    assert "no role 'king'; choose one of" in done.stderr
    assert "Traceback" not in done.stderr


def test_doctor_names_who_holds_a_port(tmp_path: Path) -> None:
    """A port in use is found before it hurts, with its holder and its setting."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = pravah(tmp_path, "doctor", "--json", PRAVAH_OPERATORS_PORT=str(port))
    said = json.loads(done.stdout)
    [check] = [check for check in said["checks"] if check["name"] == f"port {port}"]
    assert (done.returncode, said["ok"], check["verdict"]) == (1, False, "wrong")
    assert str(os.getpid()) in check["said"]
    assert "PRAVAH_OPERATORS_PORT" in check["remedy"]


def test_doctor_names_a_wrong_setting(tmp_path: Path) -> None:
    """A setting that no service would accept is said, not left to ten logs."""
    done = pravah(tmp_path, "doctor", "--json", PRAVAH_PARTITIONS="none")
    checks = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert "PRAVAH_PARTITIONS" in checks["settings"]["said"]


def test_an_unreachable_broker_is_said_with_its_address(tmp_path: Path) -> None:
    """`topics apply` against nothing: the address and what to check."""
    address = f"127.0.0.1:{free_port()}"
    done = pravah(tmp_path, "topics", "apply", PRAVAH_KAFKA_BOOTSTRAP=address)
    assert done.returncode == 1
    assert address in done.stderr


@pytest.mark.stack
def test_topics_apply_is_idempotent(tmp_path: Path, deployment: Deployment) -> None:
    """What is as it should be is left alone."""
    done = pravah(tmp_path, "topics", "apply", "--json", **deployment.environment("cli"))
    assert json.loads(done.stdout) == {"changes": []}


@pytest.mark.stack
async def test_events_are_shown_decoded(
    tmp_path: Path, deployment: Deployment, test_settings: Settings
) -> None:
    """One JSON document a line, oldest first; ends at the end when asked to."""
    completed = Completed.model_validate(
        {
            "enrollment_id": "e1",
            "learner_id": "L1",
            "course_id": "C1",
            "term": 1,
            "started_at": "2026-01-01T00:00:00Z",
            "completed_at": "2026-01-02T00:00:00Z",
            "course_version": 1,
            "learning_seconds": 60,
        }
    )
    event = new_event(completed, source="/pravah/progress", time=completed.completed_at)
    async with Publisher(test_settings, client_id="test") as publisher:
        await publisher.publish([event])
    argv = ("events", "tail", "completed", "--from-start", "--until-end", "--json")
    done = pravah(tmp_path, *argv, **deployment.environment("cli"))
    [line] = done.stdout.splitlines()
    said = json.loads(line)
    assert (said["id"], said["type"]) == (event.id, "org.pravah.learning.completed.v1")
    assert said["data"]["course_id"] == "C1"


def test_an_unknown_topic_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    """A misspelt topic must not wait for events that never come."""
    done = pravah(tmp_path, "events", "tail", "complete")
    assert done.returncode == 1
    assert "completed" in done.stderr
