"""Holders: who can be named on a certificate, and who cannot yet or any more."""

from typing import Any

import pytest
from certificate_samples import completed, course, erased, person
from certificate_workers import Worker, World, run_through

from pravah_certificate.holders import read_holders
from pravah_certificate.model import Standing
from pravah_shared.events import Event


def bring(world: World, *events: Event[Any]) -> None:
    """Let one worker handle events to the end."""
    worker = Worker(world, [events])
    while worker.step():
        pass


def standing(world: World) -> Standing | None:
    """Return asha's standing, None when nobody knows her."""
    holders = run_through(read_holders(world.store, world.keys, ["asha"]))
    return holders["asha"].standing if "asha" in holders else None


@pytest.fixture
def world() -> World:
    """Return a world with a completion and its course in it."""
    world = World()
    bring(world, completed(), course())
    return world


def test_a_person_with_a_key_is_readable(world: World) -> None:
    """And is issued to."""
    bring(world, person(world.keys))
    assert standing(world) is Standing.READABLE
    assert len(world.store.issued) == 1


def test_who_never_came_is_not_among_the_holders(world: World) -> None:
    """The certificate waits."""
    assert standing(world) is None
    assert world.store.waiting


def test_a_destroyed_key_is_an_erasure_before_its_tombstone(world: World) -> None:
    """Nothing is issued to an erased learner, whichever news comes first."""
    event = person(world.keys)
    world.keys.keys["asha"] = None
    bring(world, event)
    assert standing(world) is Standing.ERASED
    assert not world.store.issued
    bring(world, erased())
    assert standing(world) is Standing.ERASED


def test_without_its_key_a_person_is_unknown_until_the_key_comes(world: World) -> None:
    """A key that is late costs a sweep, not a certificate."""
    event = person(world.keys)
    del world.keys.keys["asha"]
    bring(world, event)
    assert standing(world) is Standing.UNKNOWN
    world.keys.create("asha")
    world.sweep_until_quiet()
    assert len(world.store.issued) == 1


def test_an_unreadable_person_waits_for_a_readable_version(world: World) -> None:
    """Better late than without a name; nothing goes to the dead letters."""
    broken = person(world.keys)
    bring(world, broken._replace(data=broken.data.model_copy(update={"ciphertext": "AAAA"})))
    assert standing(world) is Standing.UNKNOWN
    bring(world, person(world.keys, version=2))
    assert len(world.store.issued) == 1
