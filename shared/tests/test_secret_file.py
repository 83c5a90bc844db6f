"""A secret is made once, whole, and read by its owner alone."""

import stat
from pathlib import Path

from pravah_shared.secret_file import create_once


def test_an_existing_file_is_never_overwritten(tmp_path: Path) -> None:
    """Losing a signing key would orphan what it signed, losing the KEK every learner."""
    path = tmp_path / "keys" / "signing.json"
    create_once(path, b"first")
    create_once(path, b"second")
    assert path.read_bytes() == b"first"


def test_nobody_else_can_read_it_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    """Nor list its directory."""
    path = tmp_path / "keys" / "kek"
    create_once(path, b"secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(path.parent.iterdir()) == [path]
