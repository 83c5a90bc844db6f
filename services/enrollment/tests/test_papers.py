"""The canvas says what the code does."""

import re
from pathlib import Path

from pravah_enrollment.__main__ import document
from pravah_enrollment.settings import EnrollmentSettings
from pravah_enrollment.store import COLLECTIONS
from pravah_shared.command import settings_table
from pravah_shared.http.identity import access_matrix

CANVAS = (Path(__file__).parents[1] / "README.md").read_text("utf-8")


def test_the_canvas_lists_the_settings_of_enrollment() -> None:
    """Each with its default and meaning, as `--help` gives them."""
    own = set(EnrollmentSettings.__annotations__)
    rows = [
        row
        for row in settings_table(EnrollmentSettings).splitlines()
        if any(f"`PRAVAH_{name.upper()}`" in row for name in own)
    ]
    assert len(rows) == len(own)
    assert [row for row in rows if row not in CANVAS] == []


def test_the_canvas_lists_every_route() -> None:
    """And none that is not there."""
    rows = {(row.method, row.path) for row in access_matrix(document()) if not row.is_public}
    told = {
        (method, path.split("?")[0])
        for methods, path in re.findall(r"^\| `([A-Z|\\]+) (/[^`]+)`", CANVAS, re.MULTILINE)
        for method in methods.split("\\|")
    }
    assert told == rows


def test_the_canvas_lists_every_collection() -> None:
    """Those with outboxes, and the two of the basics."""
    for name in (*COLLECTIONS, "idempotency", "leases"):
        assert f"| `{name}` |" in CANVAS
