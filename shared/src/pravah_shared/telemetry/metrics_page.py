"""Prints docs/metrics.md, or writes it: `python -m pravah_shared.telemetry.metrics_page FILE`."""

import sys
from pathlib import Path

from pravah_shared.telemetry.metrics import DEFINITIONS, Definition

HEAD = """\
# Metrics

Every process serves these at `/metrics`. Generated from
`shared/src/pravah_shared/telemetry/metrics.py` by
`python -m pravah_shared.telemetry.metrics_page docs/metrics.md`; a test keeps it current.

| metric | labels | meaning | what a rise calls for |
|---|---|---|---|
"""


def page() -> str:
    """Return docs/metrics.md as it must stand."""
    return HEAD + "".join(_row(definition) for definition in DEFINITIONS)


def _row(definition: Definition) -> str:
    labels = ", ".join(f"`{label}`" for label in definition.labels)
    name = f"`{definition.name}` ({definition.kind})"
    return f"| {name} | {labels} | {definition.meaning} | {definition.rise} |\n"


if __name__ == "__main__":
    if sys.argv[1:]:
        Path(sys.argv[1]).write_text(page(), encoding="utf-8")
    else:
        sys.stdout.write(page())
