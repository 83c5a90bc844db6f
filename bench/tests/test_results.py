"""Ratios, tables and the reading of CPU time: what needs no measurement."""

import pytest
from bench import page
from bench.effort import QUICK
from bench.machine import Machine, cpu_ticks
from bench.results import COLUMNS, Pair, Rate, Result, markdown

NOISY = (Pair(50, 100), Pair(10, 20), Pair(900, 1000))
STAT = "4711 (python -m (b) x) S 1 2 3 4 5 6 7 8 9 10 150 25 7 7 20 0 3 0 999 0 0"


def test_the_ratio_is_the_median_of_the_turns_ratios() -> None:
    """A turn in which the whole machine was slow counts like any other."""
    assert Result("n", "u", NOISY).ratio == 0.5


def test_an_entry_has_exactly_the_promised_fields() -> None:
    """Other tools read results.json."""
    assert Result("n", "u", NOISY).as_json() == {
        "name": "n",
        "value": 50,
        "unit": "u",
        "baseline": 100,
        "ratio": 0.5,
        "target": None,
        "holds": None,
    }


@pytest.mark.parametrize(("target", "holds"), [(None, None), (0.5, True), (0.51, False)])
def test_a_target_holds_when_the_ratio_reaches_it(
    *, target: float | None, holds: bool | None
) -> None:
    """Without a target nothing is claimed."""
    assert Result("n", "u", NOISY, target).holds is holds


@pytest.mark.parametrize("pair", [(0, 1), (1, 0), (-1, 1)])
def test_a_turn_that_measured_nothing_is_refused(pair: tuple[float, float]) -> None:
    """A ratio of nothing would look like a figure."""
    with pytest.raises(ValueError, match="longer"):
        Pair(*pair)


def test_a_rate_tells_the_clock_and_the_cpu_apart() -> None:
    """Waiting is in the one and not in the other."""
    rate = Rate(events=1000, seconds=4, cpu_seconds=2)
    assert (rate.per_second, rate.per_cpu_second) == (250, 500)


def test_the_table_has_a_cell_for_each_column() -> None:
    """A missing cell would move all others."""
    lines = markdown([Result("n", "u", NOISY, 2)]).splitlines()
    assert {line.count("|") for line in lines} == {len(COLUMNS) + 1}
    assert lines[2] == "| n | 50 | 100 | u | 0.50 | 0.50 - 0.90 | 2 | no |"


def test_cpu_time_is_user_and_system_whatever_the_programs_name() -> None:
    """The name is free text: it may hold blanks and brackets."""
    assert cpu_ticks(STAT) == 175


def test_the_table_replaces_the_older_one_and_nothing_else() -> None:
    """The document around it is written by people."""
    machine = Machine(2, 8.0, "a processor", 0.1, "parts", "2025-01-01")
    fresh = page.section(machine, QUICK, [Result("n", "u", NOISY)])
    once = page.updated(f"before\n{page.BEGIN}\nan older table\n{page.END}\nafter\n", fresh)
    assert page.updated(once, fresh) == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "older" not in once


def test_a_document_without_markers_is_left_alone() -> None:
    """Better no table than one in the wrong place."""
    with pytest.raises(ValueError, match="markers"):
        page.updated("text", "table")
