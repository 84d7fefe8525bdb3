"""When a fault strikes."""

from __future__ import annotations

import re

import pytest

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.serve.cloud.instance import Chance, StrikeCount


@pytest.mark.parametrize(
    ("text", "rest", "chance"),
    [
        ("503", "503", Chance()),
        ("503@show_server", "503@show_server", Chance()),
        ("a#3", "a", Chance(first=3)),
        ("a*2", "a", Chance(times=2)),
        ("a%0.5", "a", Chance(percent=0.5)),
        ("a#3*2%10", "a", Chance(3, 2, 10)),
        ("a %10 *2", "a", Chance(1, 2, 10)),
    ],
)
def test_marks_are_read_in_any_order(text: str, rest: str, chance: Chance) -> None:
    assert Chance.parse(text) == (rest, chance)
    assert Chance.parse(rest + str(chance)) == (rest, chance)


@pytest.mark.parametrize(
    "text", ["a#0", "a#x", "a*", "a*-1", "a*1.5", "a%0", "a%101", "a%nan", "a*2*3", "a#99999999999"]
)
def test_a_mark_that_cannot_be_read_is_named(text: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(text)):
        Chance.parse(text)


def struck(chance: Chance, draws: list[float]) -> list[bool]:
    tally = StrikeCount()
    return [tally.strikes(chance, lambda draw=draw: draw) for draw in draws]  # type: ignore[misc]


def test_a_fault_strikes_from_its_first_match_on_and_so_often() -> None:
    assert struck(Chance(first=2, times=2), [0.0] * 5) == [False, True, True, False, False]


def test_a_percentage_decides_by_what_is_drawn_and_only_what_struck_counts() -> None:
    assert struck(Chance(times=1, percent=10), [0.5, 0.1, 0.09, 0.0]) == [False, False, True, False]


def test_half_of_what_can_be_drawn_is_half_of_a_hundred() -> None:
    assert struck(Chance(percent=50), [0.499, 0.5, 0.0, 0.999]) == [True, False, True, False]


def test_a_certain_fault_draws_nothing() -> None:
    def never() -> float:
        raise AssertionError("nothing is to be drawn")

    assert StrikeCount().strikes(Chance(), never)
