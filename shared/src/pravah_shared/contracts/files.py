"""The files under contracts/: what they must be, and every version that was ever published.

```
asyncapi.json   events/<type>.json   openapi/<service>.json      as the code is now
history/<type>/<number>.json                                     published schemas, never edited
```
History lives in files, not in git, so that a shallow clone can check it.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pravah_shared.contracts.compatibility import breaks
from pravah_shared.contracts.schemas import Schema, event_schema, has_value
from pravah_shared.events import EventData


def schemas(types: Mapping[str, type[EventData]]) -> dict[str, Schema]:
    """Return the schema of each event type that carries data."""
    return {name: event_schema(model) for name, model in types.items() if has_value(model)}


def rendered(document: Any) -> str:
    """Return the text of a file, the same for the same document."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def problems(directory: Path, now: Mapping[str, Schema]) -> Iterator[str]:
    """Name each event type that breaks with a version published before."""
    published = sorted(path.name for path in (directory / "history").glob("*"))
    for name in published:
        if name not in now:
            yield f"{name}: published and gone; its records are still read"
    for name, schema in now.items():
        for path, old in _history(directory, name):
            yield from (
                f"{name}, against version {path.stem}: {said}" for said in breaks(old, schema)
            )


def publish(directory: Path, now: Mapping[str, Schema]) -> list[Path]:
    """Add a version for each schema that differs from its last one; return the new files."""
    added = []
    for name, schema in now.items():
        versions = _history(directory, name)
        if versions and _same(versions[-1][1], schema):
            continue
        path = directory / "history" / name / f"{len(versions) + 1}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(rendered(schema))
        added.append(path)
    return added


def unpublished(directory: Path, now: Mapping[str, Schema]) -> Iterator[str]:
    """Name each schema that is not the last version in its history."""
    for name, schema in now.items():
        versions = _history(directory, name)
        if not versions or not _same(versions[-1][1], schema):
            yield f"history/{name}: this version is not in it"


def differences(directory: Path, wanted: Mapping[str, str]) -> Iterator[str]:
    """Name each generated file that is missing, stale or left over."""
    for name, text in wanted.items():
        path = directory / name
        if not path.exists():
            yield f"{name}: missing"
        elif path.read_text() != text:
            yield f"{name}: not what the code says"
    for folder in sorted({Path(name).parent for name in wanted} - {Path()}):
        for path in sorted((directory / folder).glob("*.json")):
            if str(path.relative_to(directory)) not in wanted:
                yield f"{path.relative_to(directory)}: nothing generates it any more"


def _same(one: Schema, other: Schema) -> bool:
    """Whether they differ in words at most."""
    return not breaks(one, other) and not breaks(other, one)


def _history(directory: Path, name: str) -> list[tuple[Path, Schema]]:
    paths = sorted((directory / "history" / name).glob("*.json"), key=lambda path: int(path.stem))
    return [(path, json.loads(path.read_text())) for path in paths]
