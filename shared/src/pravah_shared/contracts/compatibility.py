"""FULL_TRANSITIVE: any reader of any published version understands any writer of any other.

A field may be added if it need not be given. It is never removed, renamed or retyped, its limits
and its default never change, and required stays required. Anything else is a `.v2` on a new topic.
"""

from collections.abc import Iterator
from typing import Any

Schema = dict[str, Any]

ANNOTATIONS = frozenset({"$schema", "$id", "title", "description", "examples", "definitions"})
"""What a change of has no effect on readers or writers."""
STRUCTURE = frozenset({"$ref", "properties", "required", "items", "anyOf", "patternProperties"})
"""What is compared part by part."""


def breaks(old: Schema, new: Schema) -> list[str]:
    """Name each way in which `new` breaks with `old`, by the path of the field. Empty: none."""
    return list(_Comparison(old, new).run())


class _Comparison:
    def __init__(self, old: Schema, new: Schema) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str]] = set()

    def run(self) -> Iterator[str]:
        yield from self._compare("", self._old, self._new)

    def _compare(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        refs = (old.get("$ref", ""), new.get("$ref", ""))
        if refs in self._seen:
            return  # a type that holds itself
        if any(refs):
            self._seen = self._seen | {refs}
        old, new = _resolved(self._old, old), _resolved(self._new, new)
        for key in sorted((old.keys() | new.keys()) - ANNOTATIONS - STRUCTURE):
            if old.get(key) != new.get(key):
                yield f"{at or 'value'}: {key} was {old.get(key)!r}, is {new.get(key)!r}"
        yield from self._fields(at, old, new)
        yield from self._parts(at, old, new)

    def _fields(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = old.get("properties", {}), new.get("properties", {})
        needed_before, needed_after = set(old.get("required", ())), set(new.get("required", ()))
        for name in before:
            field = f"{at}.{name}".removeprefix(".")
            if name not in after:
                yield f"{field}: removed or renamed"
                continue
            if name in needed_before - needed_after:
                yield f"{field}: no longer required, but older readers require it"
            if name in needed_after - needed_before:
                yield f"{field}: became required, but older writers leave it out"
            yield from self._compare(field, before[name], after[name])
        for name in sorted(needed_after - before.keys()):
            yield f"{f'{at}.{name}'.removeprefix('.')}: added as required; give it a default"

    def _parts(self, at: str, old: Schema, new: Schema) -> Iterator[str]:
        before, after = _parts(old), _parts(new)
        for part in sorted(before.keys() | after.keys()):
            if part in before and part in after:
                yield from self._compare(f"{at}{part}", before[part], after[part])
            else:
                yield f"{at}{part}: {'removed' if part in before else 'added'}"


def _resolved(root: Schema, schema: Schema) -> Schema:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    named: Schema = root["definitions"][reference.rpartition("/")[2]]
    return {**named, **{key: text for key, text in schema.items() if key != "$ref"}}


def _parts(schema: Schema) -> dict[str, Schema]:
    parts: dict[str, Schema] = {}
    if "items" in schema:
        parts["[]"] = schema["items"]
    for number, choice in enumerate(schema.get("anyOf", ())):
        parts[f"|{number}"] = choice
    for pattern, value in schema.get("patternProperties", {}).items():
        parts[f"{{{pattern}}}"] = value
    return parts
