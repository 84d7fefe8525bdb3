"""What is printed: aligned, never cut, and without what steers a terminal."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ecs_fsm import ECS
from ecs_fsm.core.explain import describe
from ecs_fsm.io.console import (
    MOST_SOURCES,
    console,
    grouped,
    path,
    print_description,
    print_table,
    print_transitions,
)


def test_a_table_is_aligned_and_its_cells_are_visible() -> None:
    shown = Console(file=io.StringIO(), width=20, force_terminal=False)
    print_table(("name", "meaning"), [("a", "x" * 40), ("\x1b[2J", "\u202ey")], shown)
    assert isinstance(shown.file, io.StringIO)
    assert shown.file.getvalue().splitlines() == [
        "name      meaning",
        f"a         {'x' * 40}",
        r"\x1b[2J   \u202ey",
    ]
    assert shown.width == 20


def test_what_goes_to_a_file_is_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    console().print("x" * 500)
    assert capsys.readouterr().out == "x" * 500 + "\n"


def test_what_looks_like_an_emoji_or_markup_is_printed_as_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    console(terminal=False).print(":smile: [bold]x[/bold] 42")
    assert capsys.readouterr().out == ":smile: [bold]x[/bold] 42\n"
    console(terminal=True).print("42 'text'")
    assert capsys.readouterr().out == "42 'text'\n"


def test_a_path_shows_each_state_with_its_status() -> None:
    stopped = ECS.states["stopped/-"]
    assert path([ECS.states["active/powering-off"], stopped]) == (
        "active/powering-off (ACTIVE) → stopped/- (SHUTOFF)"
    )
    assert path([]) == "(no change)"


def test_transitions_stand_below_their_heading(capsys: pytest.CaptureFixture[str]) -> None:
    print_transitions(ECS.find("confirm_resize", ECS.states["resized/-"]), ECS)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["trigger", "kind", "at", "leads", "to"]
    assert row.split() == ["confirm_resize", "request", "resized/-", "stopped/-", "(SHUTOFF)"]


def test_sources_are_named_up_to_a_number_and_then_counted() -> None:
    deletes = [t for t in ECS.transitions if t.trigger == "fail" and t.path[-1] == "error/-"]
    alike = [t for t in deletes if len(t.path) == 1]
    assert len(alike) > MOST_SOURCES
    exactly, more = grouped(alike[:MOST_SOURCES], ECS), grouped(alike[: MOST_SOURCES + 1], ECS)
    assert "more" not in exactly[0]
    assert exactly[0].count(",") == MOST_SOURCES - 1
    assert "and 1 more" in more[0]


@pytest.mark.parametrize(
    ("thing", "present", "missing"),
    [
        ("stop", ["what is seen", "where it is possible", "what goes wrong"], ["shown by"]),
        ("fail", ["where it is possible"], ["what is seen", "shown by", "what can come next"]),
        ("SHUTOFF", ["shown by", "how one gets there", "what can come next"], ["what is seen"]),
        ("powering-off", ["shown by", "what goes wrong"], ["where it is possible"]),
    ],
)
def test_a_description_has_the_sections_of_its_kind(
    thing: str, present: list[str], missing: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    print_description(describe(ECS, thing), ECS)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(f"{thing} (")
    for title in present:
        at = lines.index(title)
        assert (lines[at - 1], lines[at + 1][:2]) == ("", "  ")
    assert not {*missing} & {*lines}
