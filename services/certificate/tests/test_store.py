"""The store's promises, kept by the real one and by the fake that the other tests run on."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from certificate_memory import MemoryStore
from certificate_samples import (
    ISSUER,
    NOON,
    PARTICIPATION,
    KeysInMemory,
    completed,
    course,
    erased,
    person,
)

from pravah_certificate import rules
from pravah_certificate.credentials.issuer import Occasion
from pravah_certificate.model import Certificate, Earned, Standing, Verdict
from pravah_certificate.ports import Certificates, Inputs
from pravah_certificate.rules import Facts
from pravah_certificate.store import After, store_of
from pravah_shared.events import Event
from pravah_shared.mongo import Database

KEYS = KeysInMemory()


@dataclass
class Store:
    """Both halves of one store."""

    inputs: Inputs
    certificates: Certificates

    async def save(self, *events: Event[Any]) -> None:
        """Keep a batch."""
        await self.inputs.save(rules.merge(events), NOON)


@pytest.fixture
def memory() -> Store:
    """Return the fake, empty."""
    fake = MemoryStore()
    return Store(fake, fake)


@pytest.fixture
async def real(database: Database) -> Store:
    """Return the real store on a database of its own."""
    inputs, certificates = store_of(database)
    await inputs.prepare()
    await certificates.prepare()
    return Store(inputs, certificates)


@pytest.fixture(params=["memory", pytest.param("real", marks=pytest.mark.stack)])
def store(request: pytest.FixtureRequest) -> Store:
    """Return each store in turn."""
    each: Store = request.getfixturevalue(request.param)
    return each


def verdict_on(event: Event[Any], version: int, standing: Standing) -> Verdict:
    """Return the verdict on a completion by a version of its course, 0 for none."""
    known = rules.course_of(course(version=version).data) if version else None
    return rules.decide(rules.completion_of(event), known, standing)


def certificate(learner_id: str = "asha", name: str = "participation") -> Certificate:
    """Return a certificate as the issuer makes it."""
    completion = rules.completion_of(completed(learner_id))
    key = rules.certificate_key(completion, name)
    earned = Earned(key, name, "default")
    course_version = rules.course_of(course().data)
    return ISSUER.issue(
        Occasion(earned, completion, course_version, "आशा", KEYS.create(learner_id), NOON)
    )


async def test_facts_come_back_as_they_were_saved(store: Store) -> None:
    """Completions, people and courses survive the way through the store."""
    events = completed(score=80), person(KEYS), course(version=2, rules=(PARTICIPATION,))
    facts = rules.merge(events)
    await store.save(*events)
    assert await store.inputs.completions([facts.completions[0].id]) == list(facts.completions)
    assert await store.inputs.people(["asha", "ravi"]) == {"asha": facts.people[0]}
    assert await store.inputs.courses(["ethics", "law"]) == {"ethics": facts.courses[0]}


async def test_reading_nothing_asks_for_nothing(store: Store) -> None:
    """Empty batches are no errors."""
    await store.inputs.save(Facts(), NOON)
    await store.inputs.record([])
    await store.certificates.mark_announced([])
    await store.certificates.erase([])
    assert await store.inputs.completions([]) == []
    assert await store.inputs.behind([], 10) == []
    assert await store.inputs.waiting_of([], 10) == []
    assert await store.certificates.insert([]) == frozenset()


@pytest.mark.parametrize("order", [(1, 3, 2), (3, 2, 1), (2, 3, 3)])
async def test_an_older_version_never_overwrites(store: Store, order: tuple[int, ...]) -> None:
    """Courses and people end on the newest version, in whatever order they come."""
    for version in order:
        await store.save(course(version=version), person(KEYS, version=version))
    assert (await store.inputs.courses(["ethics"]))["ethics"].version == 3
    assert (await store.inputs.people(["asha"]))["asha"].version == 3


@pytest.mark.parametrize("erased_first", [True, False])
async def test_erasure_is_final_and_leaves_no_ciphertext(
    store: Store, *, erased_first: bool
) -> None:
    """A person that comes after its tombstone does not come back."""
    for event in (erased(), person(KEYS)) if erased_first else (person(KEYS), erased()):
        await store.save(event)
    await store.save(person(KEYS, version=7))
    found = (await store.inputs.people(["asha"]))["asha"]
    assert found.erased
    assert (found.ciphertext, found.key_id) == ("", "")


async def test_a_completion_waits_until_it_is_judged(store: Store) -> None:
    """Saved again, it is still as it was judged."""
    event = completed()
    await store.save(event)
    assert len(await store.inputs.waiting_of(["asha"], 10)) == 1
    await store.inputs.record([verdict_on(event, 1, Standing.READABLE)])
    await store.save(event)
    assert await store.inputs.waiting_of(["asha"], 10) == []


async def test_a_verdict_on_older_facts_never_overwrites(store: Store) -> None:
    """Who saw a newer course wins; on the same course, who missed nothing wins."""
    event = completed()
    await store.save(event)
    await store.inputs.record([verdict_on(event, 2, Standing.READABLE)])
    for version, standing in [(1, Standing.READABLE), (2, Standing.UNKNOWN), (0, Standing.UNKNOWN)]:
        await store.inputs.record([verdict_on(event, version, standing)])
    (completion,) = await store.inputs.completions([rules.completion_of(event).id])
    assert completion.decided_on == 2
    assert await store.inputs.waiting_of(["asha"], 10) == []


async def test_a_newer_course_can_make_a_settled_completion_wait(store: Store) -> None:
    """It may offer what needs a person who is not here."""
    event = completed()
    await store.save(event)
    await store.inputs.record([verdict_on(event, 1, Standing.READABLE)])
    await store.inputs.record([verdict_on(event, 2, Standing.UNKNOWN)])
    assert len(await store.inputs.waiting_of(["asha"], 10)) == 1


async def test_completions_behind_a_course_are_found_in_steps(store: Store) -> None:
    """Those judged by this version are not; a limit bounds a step."""
    events = [completed(learner) for learner in ("asha", "ravi", "meena")]
    await store.save(course(version=2), *events)
    known = list((await store.inputs.courses(["ethics"])).values())
    assert len(await store.inputs.behind(known, 2)) == 2
    await store.inputs.record([verdict_on(event, 2, Standing.UNKNOWN) for event in events])
    assert await store.inputs.behind(known, 2) == []


async def test_a_taken_completion_counts_as_seen(store: Store) -> None:
    """The sweep takes each waiting completion once a round, the longest unseen first."""
    await store.save(*(completed(learner) for learner in ("asha", "ravi", "meena")))
    soon, later = NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)
    assert await store.inputs.take_waiting(NOON, NOON, 10) == []
    assert len(await store.inputs.take_waiting(soon, later, 2)) == 2
    assert len(await store.inputs.take_waiting(soon, later, 2)) == 1
    assert await store.inputs.take_waiting(soon, later, 2) == []


async def test_a_course_is_reconciled_by_version(store: Store) -> None:
    """A newer version opens the question again; marking an older one does not close it."""
    await store.save(course(version=1))
    (first,) = await store.inputs.unreconciled(10)
    await store.inputs.mark_reconciled([first])
    assert await store.inputs.unreconciled(10) == []
    await store.save(course(version=2))
    await store.inputs.mark_reconciled([first])
    assert [each.version for each in await store.inputs.unreconciled(10)] == [2]


async def test_a_place_is_filled_once(store: Store) -> None:
    """The first certificate stands, whoever tries after it learns so."""
    first, second = certificate(), certificate()
    assert first.credential != second.credential
    assert await store.certificates.insert([first]) == {first.key}
    assert await store.certificates.insert([second, certificate("ravi")]) == {
        "ravi|ethics||participation|1"
    }
    assert (await store.certificates.find([first.key]))[first.key] == first


async def test_unannounced_certificates_are_found_until_marked(store: Store) -> None:
    """Only those issued before the given time."""
    each = certificate()
    later = NOON + timedelta(seconds=1)
    await store.certificates.insert([each])
    assert await store.certificates.unannounced(NOON, 10) == []
    assert await store.certificates.unannounced(later, 10) == [each]
    await store.certificates.mark_announced([each.key])
    assert await store.certificates.unannounced(later, 10) == []


async def test_erasing_drops_the_credential_and_keeps_the_record(store: Store) -> None:
    """And what is erased is not announced any more."""
    gone, stays = certificate(), certificate("ravi")
    await store.certificates.insert([gone, stays])
    await store.certificates.erase(["asha"])
    found = await store.certificates.find([gone.key, stays.key])
    assert (found[gone.key].state, found[gone.key].credential) == ("erased", "")
    assert found[gone.key].certificate_id == gone.certificate_id
    assert found[stays.key] == stays
    assert await store.certificates.unannounced(NOON + timedelta(days=1), 10) == [stays]


@pytest.mark.stack
async def test_a_learners_certificates_come_in_pages(database: Database) -> None:
    """Newest first; of equal times each once; of one MDO when asked."""
    _, certificates = store_of(database)
    await certificates.insert([certificate(name=f"c{n}") for n in range(5)])
    seen: list[str] = []
    after = None
    while page := await certificates.of_learner("asha", limit=2, after=after, mdo_id="mdo-1"):
        seen += [each.name for each in page]
        after = After(page[-1].issued_at, page[-1].certificate_id)
    assert sorted(seen) == [f"c{n}" for n in range(5)]
    assert await certificates.of_learner("asha", limit=2, mdo_id="mdo-2") == []
