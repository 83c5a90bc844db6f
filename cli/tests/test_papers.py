"""The documents say what the code does."""

import re
from pathlib import Path

import pytest

from pravah_cli.papers.settings_table import tables, updated

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


def test_the_settings_tables_are_current() -> None:
    """`make docs` rewrites them."""
    document = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    assert updated(document) == document


def test_every_setting_is_described() -> None:
    """A setting without a sentence is a riddle at night."""
    assert [line for line in tables().splitlines() if line.endswith("|  |")] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    """A link to a file that moved is found here, not by a reader."""
    targets = LINK.findall(document.read_text(encoding="utf-8"))
    assert [each for each in targets if not (document.parent / each).exists()] == []


def test_the_map_of_the_house_is_whole() -> None:
    """CONTRIBUTING names every package there is."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    packages = [path.parent.relative_to(ROOT) for path in ROOT.glob("services/*/pyproject.toml")]
    assert [str(path) for path in packages if str(path) not in text] == []
