"""Asking a process on this machine over HTTP whether it serves."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and what the body held if it was JSON. Status 0: nobody answered."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)


def get(port: int, path: str, seconds: float = 2, host: str = "127.0.0.1") -> Answer:
    """Ask once. Never raises: no answer is an answer too."""
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException):
        return Answer(0)
    finally:
        connection.close()
    try:
        body = json.loads(text)
    except ValueError:
        body = {}
    return Answer(response.status, body if isinstance(body, dict) else {})


def ok(port: int, path: str) -> bool:
    """Whether `path` answers 200."""
    return get(port, path).status == http.client.OK
