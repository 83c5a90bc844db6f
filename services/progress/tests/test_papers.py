"""The papers say what the code does."""

import re
from pathlib import Path

from pravah_progress.settings import ProgressSettings
from pravah_shared.command import settings_table

TESTS = Path(__file__).parent
ROOT = TESTS.parents[2]


def test_every_rule_names_a_test_that_exists() -> None:
    """docs/progress-rules.md is worth nothing where it points nowhere."""
    text = (ROOT / "docs" / "progress-rules.md").read_text("utf-8")
    there = "".join(path.read_text("utf-8") for path in TESTS.glob("test_*.py"))
    named = set(re.findall(r"`(?:test_\w+(?:\.py)?: )?(test_\w+)(?:\*)?`", text))
    modules = {path.stem for path in TESTS.glob("test_*.py")}
    assert len(named) > 30
    assert [name for name in named - modules if f"def {name}" not in there] == []


def test_the_canvas_lists_the_settings_of_progress() -> None:
    """Each with its default and meaning, as `--help` gives them."""
    canvas = (ROOT / "services" / "progress" / "README.md").read_text("utf-8")
    own = set(ProgressSettings.__annotations__)
    rows = [
        row
        for row in settings_table(ProgressSettings).splitlines()
        if any(f"`PRAVAH_{name.upper()}`" in row for name in own)
    ]
    assert len(rows) == len(own)
    assert [row for row in rows if row not in canvas] == []
