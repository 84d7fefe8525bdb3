"""The application in a terminal of 80 by 24, its keys pressed by Textual's pilot."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from diagrams.terminal import DOCS, screenshot
from ecs_fsm import ECS, Lifecycle, Refused, UnknownFact
from ecs_fsm.core.errors import installing
from ecs_fsm.draw.rows import task_of
from ecs_fsm.draw.styles import COLOURS, Theme
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.play import texts
from ecs_fsm.play.application import Play
from ecs_fsm.play.screens import Quiz
from ecs_fsm.play.session import Session
from ecs_fsm.play.texts import lanes, way
from ecs_fsm.teach.lesson import Lesson, lessons
from ecs_fsm.teach.quiz import chosen
from tests.command import COMMAND, ecs_fsm
from tests.own_thread import run_in_own_thread

SIZE = (80, 24)
A_STOP = ("l", "down", "down", "enter")
"""Begins the lesson of a server that runs and is stopped."""
STOPPING = (*A_STOP, "1")
T = TypeVar("T")


OWN = Path(__file__).parents[1] / "own"
FILES = {name: str(OWN / f"{name}.toml") for name in ("pump", "parcel")}
OTHERS: Mapping[str, Lifecycle] = {
    name: server_class(FILES.get(name, name)).lifecycle
    for name in ("ec2", "cinder", "ironic", "ecs-2022", "pump", "parcel")
}
"""Lifecycles in files: of one attribute, and of two."""


def screen(app: Play) -> str:
    """What the terminal shows, line by line."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text.rstrip() for strip in strips)


def pressed(
    lifecycle: Lifecycle, *keys: str, at: str = "", taught: Sequence[Lesson] = ()
) -> tuple[Play, str]:
    """The application after some keys, and what it shows then."""

    async def press() -> tuple[Play, str]:
        app = Play(lifecycle, taught or lessons(lifecycle), chosen(lifecycle, 1, 10))
        if at:
            node = lifecycle.found(lifecycle.states[at])
            app.session.point = app.session.point._replace(node=node)
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press(*keys)
            await pilot.pause()
            return app, screen(app)

    return run_in_own_thread(press())


def test_the_picture_of_the_guide_is_fresh() -> None:
    shown = (DOCS / "how-to" / "play.svg").read_text(encoding="utf-8")
    assert shown == run_in_own_thread(screenshot()), "run make diagrams"
    assert "url(" not in shown.replace("url(#", "")


def test_statuses_have_the_colours_of_the_pictures() -> None:
    text = "VERIFY_RESIZE, [ACTIVE] and REVERT_RESIZE; not ACTIVE_ or active"
    tones = {text[a:b]: colours for a, b, colours in texts.tones(ECS, text)}
    assert [*tones] == ["VERIFY_RESIZE", "ACTIVE", "REVERT_RESIZE"]
    node = OTHERS["ironic"]
    whole = "rescue failed, clean wait and clean hold"
    assert [whole[a:b] for a, b, _ in texts.tones(node, whole)] == [
        "rescue failed", "clean wait", "clean hold",
    ]  # fmt: skip
    dark = COLOURS[Theme.DARK].tones[ECS.states["active/-"].status.tone]
    assert tones["ACTIVE"] == f"{dark.ink} on {dark.fill}"
    shown = (DOCS / "how-to" / "play.svg").read_text(encoding="utf-8")
    assert dark.fill in shown
    assert dark.ink in shown


def test_it_begins_without_a_server_and_says_what_to_press() -> None:
    app, shown = pressed(ECS)
    lines = shown.split("\n")
    assert app.session.state is None
    assert (len(lines), max(map(len, lines)) <= 80) == (24, True)
    assert "ecs: (no server)" in lines[0]
    assert lines[2].startswith("1 create")
    assert "- stop" in shown
    assert "press 1 or n to create one" in shown
    assert lines[-1].strip() == texts.KEYS.strip()


def test_the_system_goes_on_and_what_is_entered_is_shown() -> None:
    app, shown = pressed(ECS, *"nnnnnn")
    assert app.session.state == "active/-"
    assert "status ACTIVE  vm_state active  task_state null" in shown
    assert "▶ active   ACTIVE" in shown
    assert "BUILD: scheduling · no task · networking" in shown
    assert "[ACTIVE]" in shown
    assert "advance: BUILD spawning" in shown


def test_a_number_triggers_a_request_and_its_states_are_shown() -> None:
    app, shown = pressed(ECS, *"nnnnnn1")
    assert app.session.state == "active/powering-off"
    assert "ACTIVE → ACTIVE: [powering-off] → SHUTOFF" in shown
    assert "! While a server stops" in shown
    assert "1 advance" in shown
    assert "2!roll_back" in shown
    assert "Shut the server down properly" in shown


def test_the_numbers_begin_with_1() -> None:
    assert pressed(ECS, "0")[1] == pressed(ECS)[1]


def test_an_impossible_event_says_why_when_it_is_chosen() -> None:
    app, shown = pressed(ECS, *STOPPING, "end", "enter")
    assert app.session.state == "active/powering-off"
    assert "revert_resize gets 409: vm_state is active, it is accepted under resized." in shown
    _, shown = pressed(ECS, *A_STOP, "n")
    assert "advance cannot happen: no step is running that it could end." in shown


def test_undo_redo_and_restart() -> None:
    app, _ = pressed(ECS, *"nnuur")
    assert app.session.state == "building/scheduling"
    assert len(app.session.history) == 1
    app, shown = pressed(ECS, *"nnunr")
    assert "There is nothing to redo." in shown
    app, shown = pressed(ECS, *"nnxu")
    assert (app.session.state, app.session.history) == (None, ())
    assert "There is nothing to undo." in shown


def test_the_history_is_a_table_on_a_screen_of_its_own() -> None:
    _, shown = pressed(ECS, *"nnnh")
    assert re.search(r"event +vm_state +task_state +status", shown)
    assert re.search(r"advance +building +networking +BUILD", shown)
    _, shown = pressed(ECS, *"nnnh", "escape")
    assert "[networking]" in shown


def test_help_lists_the_keys() -> None:
    assert "n or space     let the system finish one step" in pressed(ECS, "?")[1]


def test_a_lesson_is_followed_step_by_step() -> None:
    app, shown = pressed(ECS, *A_STOP)
    assert app.session.state == "active/-"
    assert "(1/2) Request stop" in shown
    _, shown = pressed(ECS, *STOPPING)
    assert "status still says ACTIVE" in shown
    assert "(2/2) Let the system finish." in shown
    app, shown = pressed(ECS, *STOPPING, "n")
    assert app.session.step is None
    assert "The lesson “Stop says ACTIVE until the end” is complete" in shown


def test_an_event_outside_the_lesson_can_be_undone() -> None:
    app, shown = pressed(ECS, *A_STOP, "2")
    assert app.session.state == "active/rebooting"
    assert "This is not the step of the lesson: u undoes it." in " ".join(shown.split())
    app, shown = pressed(ECS, *A_STOP, "2", "u", "1", "n")
    assert app.session.step is None
    app, shown = pressed(ECS, *STOPPING, "x")
    assert (app.session.state, app.session.point.done) == ("active/-", 0)


def test_a_lesson_can_be_left_to_play_freely() -> None:
    app, _ = pressed(ECS, "l", "enter", "l", "escape")
    assert app.session.lesson is not None
    app, shown = pressed(ECS, "l", "enter", "l", "up", "enter")
    assert app.session.lesson is None
    assert "There is no server yet" in shown


def letters(quiz: Quiz) -> Iterator[str]:
    yield from ("abcde"[n] for n in quiz.questions[quiz.number].answers)


def test_the_quiz_is_answered_by_letters_explained_and_scored() -> None:
    quiz = Quiz(chosen(ECS, 1, 10))
    right = list(letters(quiz))
    _, shown = pressed(ECS, "z")
    assert "Question 1 of 10, 0 correct so far" in shown
    assert pressed(ECS, "z", "9", "left", "f")[1] == shown
    _, shown = pressed(ECS, "z", *right, "enter")
    assert re.search(r"Correct\.(\s|$)", shown, re.MULTILINE)
    assert "1 correct so far" in shown
    assert quiz.questions[0].explanation[:40] in " ".join(shown.split())
    _, shown = pressed(ECS, "z", *right, "enter", "enter")
    assert "Question 2 of 10, 1 correct so far" in shown
    wrong = next(letter for letter in "abc" if letter not in right)
    _, shown = pressed(ECS, "z", wrong, "enter")
    assert re.search(r"Wrong\.(\s|$)", shown, re.MULTILINE)
    assert "← correct" in shown
    mistake = quiz.questions[0].mistakes["abc".index(wrong)]
    assert mistake
    assert mistake[:40] in " ".join(shown.split())


def test_a_lesson_that_is_complete_asks_its_own_questions() -> None:
    lesson = next(each for each in lessons(ECS) if each.steps[0].trigger == "stop")
    taught = [lesson._replace(questions=chosen(ECS, 2, 3))]
    _, shown = pressed(ECS, "l", "enter", "z", taught=taught)
    assert "Question 1 of 10," in shown
    _, shown = pressed(ECS, "l", "enter", "1", "n", "z", taught=taught)
    assert "Question 1 of 3," in shown
    _, shown = pressed(ECS, *STOPPING, "n", "z")
    assert "Question 1 of 10," in shown


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("l", "There are no lessons; --lessons DIR brings some."),
        ("z", "The lifecycle is too small"),
    ],
)
def test_without_lessons_or_questions_it_says_so(key: str, said: str) -> None:
    async def press() -> str:
        app = Play(ECS, (), ())
        async with app.run_test(size=SIZE) as pilot:
            await pilot.press(key)
            await pilot.pause()
            return screen(app)

    assert said in run_in_own_thread(press())


def test_what_changes_nothing_that_is_seen_says_so() -> None:
    session = Session(NOVA)
    session.point = session.point._replace(node=NOVA.found(NOVA.states["active/-"]))
    for event, said in (("unlock", "no visible change"), ("reboot", "active/rebooting REBOOT")):
        before = len(session.point.changes)
        session.do(event, {})
        meaning = NOVA.triggers[event].meaning
        assert texts.happened(session, event, before, done=False) == f"{event}: {said}. {meaning}"


def test_a_wrong_step_says_whether_the_right_one_is_still_possible() -> None:
    lesson = next(each for each in lessons(ECS) if each.steps[0].trigger == "stop")
    session = Session(ECS)
    session.restart(lesson)
    session.do("reboot", {})
    assert session.amiss().startswith("The next step is refused from here: task rebooting is runni")
    for _ in range(3):
        session.do("advance", {})
    assert session.amiss().startswith("The server must get to active/powering-off by another event")


def test_an_event_that_its_facts_rule_out_says_why() -> None:
    app, _ = pressed(NOVA, at="active/-")
    names = [choice.name for choice in app.session.choices()]
    keys = ["down"] * names.index("restart")
    app, shown = pressed(NOVA, *keys, "enter", "enter", "enter", at="active/-")
    assert "here it is possible only with vif=broken" in " ".join(shown.split())
    assert str(app.session.state) == "active/-"


def test_two_columns_of_long_names_stand_close_and_fit_beside_the_choices() -> None:
    for left, right, apart in ((12, 20, 4), (16, 24, 4), (17, 24, 2)):
        names = [chr(97 + n) * (left if n < 5 else right) for n in range(10)]
        table: Any = SimpleNamespace(vm_states=names)
        shown: Any = SimpleNamespace(table=table, states={})
        first = lanes(shown, None).split("\n")[0]
        assert first == f"  {names[0]}{' ' * apart}{names[5]}"
        assert len(first) <= 48


def test_an_answer_is_final_and_a_letter_without_a_choice_ticks_nothing() -> None:
    quiz = Quiz(chosen(ECS, 1, 10))
    quiz.tick(len(quiz.questions[0].choices))
    assert quiz.ticked == set()
    quiz.tick(1)
    quiz.tick(0)
    assert quiz.ticked == {0}  # one answer only
    assert quiz.keys() == "a letter ticks, enter answers, escape goes back"
    quiz.go_on()
    assert quiz.keys() == "enter goes on, escape goes back"
    quiz.tick(1)
    assert quiz.ticked == {0}


def test_a_quiz_ends_with_its_score() -> None:
    quiz = Quiz(chosen(NOVA, 3, 5))
    while not quiz.over:
        quiz.go_on()
        assert not quiz.answered  # nothing is ticked yet
        for letter in letters(quiz):
            quiz.tick("abcde".index(letter))
        quiz.go_on()
        quiz.tick(0)
        quiz.go_on()
    assert quiz.text() == "5 of 5 correct."


def test_facts_of_nova_are_asked_for_the_usual_first() -> None:
    app, shown = pressed(NOVA, "n")
    assert app.session.state is None
    assert "create depends on boot. What the server boots from" in " ".join(shown.split())
    app, shown = pressed(NOVA, "n", "enter", "enter", "enter")
    assert app.session.state == "building/scheduling"
    assert "facts boot=image upload=staged network=some" in shown
    app, shown = pressed(NOVA, "n", "down", "enter", "enter", "enter")
    assert "boot=volume" in shown.split("\n")[1]
    app, _ = pressed(NOVA, "n", "enter", "escape")
    assert app.session.state is None


def test_an_unknown_fact_is_asked_for_when_it_matters() -> None:
    async def shelve() -> tuple[str, str]:
        app = Play(NOVA, (), ())
        async with app.run_test(size=SIZE) as pilot:
            app.session.point = app.session.point._replace(node=NOVA.place(NOVA.state("active")))
            app.show()
            app.happen("shelve")
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            asked = " ".join(screen(app).split())
            await pilot.press("enter")
            await pilot.pause()
            await pilot.press("enter")
            await pilot.pause()
            return asked, str(app.session.point.node)

    asked, node = run_in_own_thread(shelve())
    assert "shelve depends on upload" in asked or "shelve depends on boot" in asked
    assert node.startswith("<active/shelving[")


def test_a_circumstance_is_given_with_its_event_and_not_remembered() -> None:
    app, _ = pressed(NOVA, "l", "enter", *"nnnnnn", *"2")
    assert app.session.state == "active/rebooting"

    async def restart() -> str:
        app = Play(NOVA, (), ())
        async with app.run_test(size=SIZE) as pilot:
            node = NOVA.place(NOVA.state("active", "rebooting"))
            app.session.point = app.session.point._replace(node=node)
            app.show()
            app.happen("restart")
            for key in ("down", "down", "enter", "enter"):  # guest, then vif
                await pilot.pause()
                await pilot.press(key)
            await pilot.pause()
            return str(app.session.point.node)

    assert run_in_own_thread(restart()) == "<active/reboot_pending_hard>"


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_every_lesson_fits_on_the_screen(lifecycle: Lifecycle) -> None:
    for lesson in lessons(lifecycle):
        session = Session(lifecycle)
        session.restart(lesson)
        said = texts.with_step(lesson.introduction, session)
        for step in lesson.steps:
            assert sum(len(part) // 70 + 1 for part in said.split("\n")) <= 10
            before = len(session.history)
            assert session.do(step.trigger, {})
            said = texts.with_step(
                texts.happened(session, step.trigger, before, done=True), session
            )
            assert said.startswith(step.then)
        assert session.step is None


@pytest.mark.parametrize("lifecycle", [ECS, NOVA, *OTHERS.values()], ids=repr)
def test_the_picture_and_the_way_fit_everywhere(lifecycle: Lifecycle) -> None:
    for state in lifecycle.states.values():
        lines = lanes(lifecycle, state).split("\n")
        assert len(lines) <= 8
        assert max(map(len, lines)) <= 46
        assert sum(line.count("▶") for line in lines) == 1
        session = Session(lifecycle)
        session.point = session.point._replace(node=lifecycle.node(state))
        alone = state.one_word or state.gone or lifecycle.rests(state)
        here = (str(state) if state.gone else state.status) if alone else task_of(state)
        assert f"[{here}]" in way(session)
        names = [choice.name for choice in session.choices()]
        assert sorted(names) == sorted(lifecycle.triggers)
    assert max(len(line) for line in texts.listed(session.choices())) <= 32
    assert max(map(len, texts.help_text(NOVA).split("\n"))) <= 78
    assert len(texts.KEYS) <= 78


@pytest.mark.parametrize("name", OTHERS)
def test_any_lifecycle_is_played_in_its_own_words(name: str) -> None:
    lifecycle = OTHERS[name]
    table = lifecycle.table
    app, begun = pressed(lifecycle)
    assert begun.split("\n")[0].strip() == f"{table.name}: (no {table.thing})"
    keys = ["1", *["enter"] * len(app.session.questions(lifecycle.creation.trigger))]
    app, shown = pressed(lifecycle, *keys)
    history = pressed(lifecycle, *keys, "h")[1]
    helped, asked = pressed(lifecycle, "?")[1], pressed(lifecycle, "z")[1]
    assert app.session.state is not None
    names = [called.rpartition(":")[2] for called in table.attributes.values()]
    for text in (shown.split("\n")[0], history):
        assert all(name in text for name in names)
    assert "Question 1 of" in asked
    everything = "".join((begun, shown, history, helped, asked))
    if table.one_word:
        assert "/" not in shown.replace(texts.KEYS, "")
        assert "null" not in shown
    if name not in ("ecs-2022", "cinder"):  # a volume is attached to a server
        assert not re.search(r"\bserver|\bvm_state|\btask", everything)


def test_without_a_terminal_it_refuses_in_one_line() -> None:
    answer = ecs_fsm("play")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("ecs-fsm: play needs a terminal")
    assert answer.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--lessons", "/missing"), "/missing: No such file or directory; expected a folder"),
        (("--seed", "-1"), "invalid seed -1: expected 0"),
        (("--lifecycle", "ec"), "unknown lifecycle 'ec'; did you mean 'ecs'?"),
    ],
)
def test_bad_input_is_one_line(arguments: tuple[str, ...], said: str) -> None:
    answer = ecs_fsm("play", *arguments)
    assert (answer.code, answer.err.count("\n")) == (2, 1)
    assert said in answer.err


def test_where_textual_is_missing_it_says_what_to_install() -> None:
    code = (
        "import sys\nfrom ecs_fsm.cli import main, learning\n"
        "learning.find_spec = lambda name: None\nmain(['play'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"ecs-fsm: play needs Textual: {installing('play')}\n"


def test_in_a_real_terminal_without_colour_it_runs_and_leaves_with_q(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    environment = {**os.environ, "NO_COLOR": "1", "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    running = subprocess.Popen(
        [COMMAND, "play"], stdin=slave, stdout=slave, stderr=slave, env=environment
    )
    os.close(slave)
    shown, sent, until = b"", False, time.monotonic() + 120
    while running.poll() is None and time.monotonic() < until:
        if select.select([master], [], [], 0.1)[0]:
            try:
                shown += os.read(master, 65536)
            except OSError:
                break
        if not sent and b"create" in shown and b"lessons" in shown:
            os.write(master, b"q")
            sent = True
    code = running.wait(timeout=120)
    os.close(master)
    assert (code, sent) == (0, True)
    assert b"\x1b[31m" not in shown


def triggered(session: Session, trigger: str, place: int) -> bool:
    """Whether a trigger happens once the facts that it depends on are given."""
    given: dict[str, str] = {}
    for _ in range(5):
        try:
            session.do(trigger, given)
        except UnknownFact as unknown:
            value = unknown.values[place % len(unknown.values)]
            if not session.learn(unknown, value):
                given[unknown.fact] = value
        except Refused:
            return False
        else:
            return True
    raise AssertionError(f"{trigger} asks again and again")


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_every_possible_event_happens_once_its_facts_are_given(
    lifecycle: Lifecycle, place: int
) -> None:
    happened = 0
    for state in lifecycle.states.values():
        session = Session(lifecycle)
        session.point = session.point._replace(node=lifecycle.node(state))
        before = session.point
        for choice in session.choices():
            if choice.why is None:
                happened += triggered(session, choice.name, place)
                session.point = before
    assert happened > 90
