"""Lessons: each can be played to its end, the surprises are among them, a wrong one is one line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ecs_fsm import ECS, InvalidInput, Lifecycle
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.teach.lesson import (
    LONGEST,
    MOST_BYTES,
    MOST_FILES,
    MOST_STEPS,
    Lesson,
    find,
    lessons,
    read,
)
from ecs_fsm.teach.lesson_template import template
from tests.command import ecs_fsm

LIFECYCLES = (ECS, NOVA)
EVERY = [(lifecycle, lesson) for lifecycle in LIFECYCLES for lesson in lessons(lifecycle)]
NAMES = [f"{lifecycle.name}-{lesson.name}" for lifecycle, lesson in EVERY]

# Common mistakes, from the documents: an operation and the statuses that it shows, in order.
SURPRISES = {
    "stop shows ACTIVE until it is done": ("ecs", "stop", ["ACTIVE", "SHUTOFF"]),
    "start shows SHUTOFF until it is done": ("ecs", "start", ["SHUTOFF", "ACTIVE"]),
    "delete shows the resting status": ("ecs", "delete", ["SHUTOFF", "ERROR"]),
    "a stopped server's rebuild passes ACTIVE": (
        "ecs",
        "rebuild",
        ["REBUILD", "ACTIVE", "SHUTOFF"],
    ),
    "a resize rolled back looks untouched": ("ecs", "resize", ["RESIZE", "SHUTOFF"]),
    "a resize ends in VERIFY_RESIZE": ("ecs", "resize", ["RESIZE", "VERIFY_RESIZE"]),
    "unshelving starts what was stopped": ("nova", "unshelve", ["SHELVED_OFFLOADED", "ACTIVE"]),
    "confirm returns to what it was": ("nova", "confirm_resize", ["SHUTOFF"]),
    "a restarted host gives an image up": ("nova", "create_image", ["ACTIVE"]),
}


def begun(lifecycle: Lifecycle, lesson: Lesson) -> BaseServer | None:
    if lesson.start is None:
        return None
    place = lifecycle.place(lesson.start, lesson.remember)
    return server_class(lifecycle.name)(place)


def played(lifecycle: Lifecycle, lesson: Lesson) -> BaseServer:
    server = begun(lifecycle, lesson)
    for step in lesson.steps:
        if server is None:
            assert step.trigger == lifecycle.creation.trigger
            server = server_class(lifecycle.name).create(history=True, **dict(step.given))
        else:
            assert server.trigger(step.trigger, **dict(step.given))
        assert server.state == step.state
    assert server is not None
    return server


@pytest.mark.parametrize(("lifecycle", "lesson"), EVERY, ids=NAMES)
def test_a_lesson_can_be_played_to_its_end(lifecycle: Lifecycle, lesson: Lesson) -> None:
    assert played(lifecycle, lesson).state == lesson.steps[-1].state
    assert len(lesson.steps) >= 2


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_there_are_at_least_ten_lessons_from_status_to_the_wait_that_ends_early(
    lifecycle: Lifecycle,
) -> None:
    found = lessons(lifecycle)
    names = [lesson.name for lesson in found]
    assert len(found) >= 10
    assert names[0] == "what-is-status"
    assert "rebuild-wait-left-early" in names
    assert len({lesson.title for lesson in found}) == len(found)


@pytest.mark.parametrize("surprise", SURPRISES)
def test_every_surprise_is_seen_in_a_lesson(surprise: str) -> None:
    name, operation, expected = SURPRISES[surprise]
    shown = []
    for lifecycle, lesson in EVERY:
        if lifecycle.name == name:
            changes = list(played(lifecycle, lesson).history)
            for at, change in enumerate(changes):
                if change.event == operation:
                    shown.append([str(c.status) for c in changes[at:]])
    assert any(without_repeats(statuses)[: len(expected)] == expected for statuses in shown)


def without_repeats(statuses: list[str]) -> list[str]:
    return [s for n, s in enumerate(statuses) if n == 0 or statuses[n - 1] != s]


def test_the_three_lessons_of_nova_alone_end_as_nova_does() -> None:
    ends = {
        "unshelve-starts-a-stopped-server": ("stopped", "ACTIVE"),
        "confirm-follows-the-guest": ("stopped", "ACTIVE"),
        "what-a-restarted-host-does": ("active", "ERROR"),
    }
    for name, (begins, end) in ends.items():
        lesson = find(lessons(NOVA), name)
        assert lesson.start is not None
        assert (lesson.start.vm_state, played(NOVA, lesson).status) == (begins, end)


@pytest.mark.parametrize(("lifecycle", "lesson"), EVERY, ids=NAMES)
def test_the_texts_of_a_lesson_are_short_whole_sentences(
    lifecycle: Lifecycle, lesson: Lesson
) -> None:
    texts = [lesson.introduction, *(t for s in lesson.steps for t in (s.text, s.then))]
    assert [text for text in texts if text[-1] not in ".?:" or len(text) > 330] == []
    assert [text for text in texts if "  " in text or "\n" in text] == []


def test_a_lesson_as_a_dictionary_is_plain_data() -> None:
    lesson = find(lessons(ECS), "stop-shows-active")
    shown = json.loads(json.dumps(lesson.as_dict()))
    assert list(shown) == ["name", "title", "introduction", "start", "remember", "steps",
                           "questions"]  # fmt: skip
    assert (shown["start"], shown["remember"]) == ("active/-", {})
    assert shown["steps"][0]["do"] == {"trigger": "stop", "given": {}}
    assert shown["steps"][0]["state"] == "active/powering-off"
    assert set(shown["steps"][0]) == {"text", "do", "state", "then", "hint"}
    assert find(lessons(ECS), "what-is-status").as_dict()["start"] is None
    remembers = find(lessons(NOVA), "unshelve-starts-a-stopped-server").as_dict()["remember"]
    assert remembers == {"boot": "image", "upload": "staged"}


OWN = """title = "Mine"
introduction = "What it is about."
from = "active/-"

[[step]]
text = "Request stop."
do = "stop"
state = "active/powering-off"
then = "It says ACTIVE."
"""


def own(folder: Path, text: str | bytes, name: str = "01-mine.toml") -> Path:
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


def test_the_lessons_of_a_folder_come_after_those_of_the_package(tmp_path: Path) -> None:
    own(tmp_path, OWN, "2-second.toml")
    own(tmp_path, OWN, "1-first.toml")
    own(tmp_path, OWN, "3-third.TOML")
    own(tmp_path, "no lesson", "README.md")
    (tmp_path / "4-folder.toml").mkdir()
    found = lessons(ECS, tmp_path)
    assert found[:-3] == lessons(ECS)
    assert [lesson.name for lesson in found[-3:]] == ["first", "second", "third"]


def test_facts_are_given_in_brackets(tmp_path: Path) -> None:
    text = OWN.replace("active/-", "stopped/-[boot=image,upload=direct]")
    text = text.replace('"stop"', '"shelve[offload=later]"')
    (lesson,) = lessons(
        NOVA, own(tmp_path, text.replace("active/powering-off", "stopped/shelving"))
    )[-1:]
    assert lesson.remember == {"boot": "image", "upload": "direct"}
    assert lesson.steps[0].given == (("offload", "later"),)
    assert lesson.steps[0].word == "shelve[offload=later]"


WRONG: dict[str, tuple[str | bytes, int, str]] = {
    "no-toml": (OWN.replace('"Mine"', "Mine"), 1, "not valid TOML"),
    "no-title": (OWN.replace("title", "# title"), 1, "title is missing; expected title, intro"),
    "other-key": (OWN.replace("then =", "than ="), 9, "unknown key 'than'; did you mean 'then'?"),
    "other-top-key": (OWN.replace("from", "form"), 3, "unknown key 'form'; did you mean 'from'?"),
    "no-text": (OWN.replace('"Request stop."', "7"), 6, "text is not a text; expected one in quotes"),
    "empty": (OWN.replace('"Request stop."', '" "'), 6, "text is not a text; expected one in quotes"),
    "no-step": (OWN.split("\n[[step]]", maxsplit=1)[0], 1, "there is no step; expected"),
    "no-table": (OWN.split("\n[[step]]", maxsplit=1)[0] + "step = 7\n", 4, "step is not an array of tables"),
    "no-state": (OWN.replace('from = "active/-"', 'from = "activ/-"'), 3, "did you mean 'active/-'"),
    "no-fact": (OWN.replace('"active/-"', '"active/-[a=b]"'), 3, "unknown fact 'a'; known: none"),
    "no-event": (OWN.replace('"stop"', '"stopp"'), 7, "unknown operation or event 'stopp'"),
    "no-bracket": (OWN.replace('"stop"', '"stop[a=b"'), 7, "a bracket is not closed"),
    "refused": (OWN.replace('"stop"', '"start"'), 7, "start is refused at active/-"),
    "elsewhere": (
        OWN.replace('"active/powering-off"', '"stopped/-"'),
        8,
        "after stop the server is at active/powering-off; expected state = "
        "'active/powering-off', not 'stopped/-'",
    ),
    "long": (OWN.replace("It says", "It says " * 200), 9, "characters; expected at most 800"),
    "long-title": (OWN.replace("Mine", "M" * 81), 1, "title has 81 characters; expected at most 80"),
    "invisible": (OWN.replace("It says", "It \\u001b[2Jsays"), 9, "invisible characters"),
    "in-order": (OWN.replace("It says", "It \\u202esays"), 9, "invisible characters"),
    "endless": (OWN.replace('"stop"', "1e400"), 7, "do is not a text"),
    "chain": ("a" + ".a" * 5000 + " = 1", 1, "nested more than 64 deep"),
    "deep": ("a = " + "[" * 5000, 1, "nested too deeply"),
    "no-utf8": (OWN.encode().replace(b"stop.", b"st\xf8p."), 6, "not valid UTF-8"),
    "huge": (OWN + "#" * MOST_BYTES, 1, "the file is too long; expected at most 32768 bytes"),
    "many": (
        OWN + OWN[OWN.index("[[") :].replace("stop", "delete").replace("powering-off", "deleting") * MOST_STEPS,
        5 * MOST_STEPS + 5,
        "41 steps; expected at most 40",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_lesson_is_one_line_with_file_line_and_what_was_expected(
    case: str, tmp_path: Path
) -> None:
    text, line, said = WRONG[case]
    with pytest.raises(InvalidInput) as raised:
        lessons(ECS, own(tmp_path, text))
    message = str(raised.value)
    assert message.startswith(f"{tmp_path / '01-mine.toml'}:{line}: ")
    assert said in message
    assert "\n" not in message


def test_a_lesson_without_an_end_is_refused_and_one_from_a_pipe_is_read(tmp_path: Path) -> None:
    page = ("explore", "-o", str(tmp_path / "page.html"), "--lessons")
    (tmp_path / "lessons").mkdir()
    (tmp_path / "lessons" / "endless.toml").symlink_to("/dev/zero")
    refused = ecs_fsm(*page, str(tmp_path / "lessons"))
    assert (refused.code, refused.err.count("\n"), "no lesson" in refused.err) == (2, 1, True)
    refused = ecs_fsm(*page, "-", given=OWN + "#" * MOST_BYTES)
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "standard input:1: the file is too long" in refused.err
    assert ecs_fsm(*page, "-", given=OWN).code == 0


def test_an_error_names_a_missing_fact(tmp_path: Path) -> None:
    text = OWN.replace('"stop"', '"shelve"').replace("powering-off", "shelving")
    with pytest.raises(InvalidInput, match="depends on boot: say boot=image or boot=volume"):
        lessons(NOVA, own(tmp_path, text))


def test_a_folder_must_hold_lessons_and_not_too_many(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"missing: No such file.*expected a folder of lessons"):
        lessons(ECS, tmp_path / "missing")
    with pytest.raises(InvalidInput, match=r"no lesson; expected files \*\.toml"):
        lessons(ECS, tmp_path)
    for number in range(101):
        own(tmp_path, OWN, f"mine{number}.toml")
    with pytest.raises(InvalidInput, match="101 lessons; expected at most 100"):
        lessons(ECS, tmp_path)


def test_two_lessons_cannot_have_one_name(tmp_path: Path) -> None:
    own(tmp_path, OWN, "99-what-is-status.toml")
    with pytest.raises(
        InvalidInput, match=":1: the name 'what-is-status' is taken by another lesson"
    ):
        lessons(ECS, tmp_path)


def test_a_name_is_of_letters_and_digits(tmp_path: Path) -> None:
    own(tmp_path, OWN, "<script>.toml")
    with pytest.raises(
        InvalidInput, match="'<script>' is not a name of a lesson; expected at most"
    ):
        lessons(ECS, tmp_path)


def test_an_unknown_lesson_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidInput, match="did you mean 'what-is-status'"):
        find(lessons(ECS), "what-is-statu")


def test_the_bounds_are_those_of_a_page_for_a_phone() -> None:
    assert max(LONGEST.values()) * 2 * MOST_STEPS < 2 * MOST_BYTES


@pytest.mark.parametrize("name", ["ecs", "nova", "ecs-2022", "cinder", "ec2", "ironic"])
def test_the_template_is_a_correct_lesson_for_every_lifecycle(name: str, tmp_path: Path) -> None:
    file = tmp_path / "01-mine.toml"
    made = ecs_fsm("lesson", "new", str(file), "--lifecycle", name)
    assert made.out == f"The lesson mine is in {file}. Next: ecs-fsm lesson check FILE\n"
    checked = ecs_fsm("lesson", "check", str(file), "--lifecycle", name)
    assert checked.code == 0
    assert checked.out.startswith(f"{file}: mine, ")
    again = ecs_fsm("lesson", "new", str(file), "--lifecycle", name)
    assert (again.code, again.err.count("\n")) == (2, 1)
    assert "exists already" in again.err


LAMP = r"""
name = "lamp"
thing = "lamp"
source = "made up for a test: nothing takes time"

[attributes]
status = "light"

[statuses]
on = { meaning = 'It says "bright" \ dim.', tone = "green" }
off = { meaning = "It is dark.", tone = "grey" }

[operations.make]
meaning = 'Make it "new".'
paths = { "(no server)" = "on" }

[operations.put_out]
meaning = 'Put it "out" \ for good.'
paths = { "on" = "off" }
"""


def test_a_lesson_of_what_takes_no_time_begins_with_the_first_request(tmp_path: Path) -> None:
    table, file = tmp_path / "lamp.toml", tmp_path / "lesson.toml"
    table.write_text(LAMP, encoding="utf-8")
    assert ecs_fsm("--lifecycle", str(table), "lesson", "new", str(file)).code == 0
    (step,) = read(server_class(str(table)).lifecycle, file.read_bytes(), "lesson.toml").steps
    assert (step.trigger, step.state) == ("put_out", "off")
    assert step.hint == 'Look for the request that means: Put it "out" \\ for good.'


def test_a_folder_may_have_a_hundred_lessons(tmp_path: Path) -> None:
    for number in range(MOST_FILES):
        (tmp_path / f"{number:03}-a{number}.toml").write_text(template(ECS), encoding="utf-8")
    assert len(lessons(ECS, tmp_path)) == len(lessons(ECS)) + MOST_FILES
    (tmp_path / "one-more.toml").write_text(template(ECS), encoding="utf-8")
    with pytest.raises(InvalidInput, match="101 lessons; expected at most 100"):
        lessons(ECS, tmp_path)


QUESTION = """
[[question]]
text = "What is shown?"
right = "ACTIVE"
wrong = ["SHUTOFF", "REBOOT"]
because = "It runs."
"""


def with_question(question: str) -> bytes:
    return (template(ECS).partition("# Questions at the end")[0] + question).encode()


def test_a_lesson_has_hints_and_questions() -> None:
    lesson = read(ECS, with_question(QUESTION), "a.toml")
    (asked,) = lesson.questions
    assert [asked.choices[n] for n in asked.answers] == ["ACTIVE"]
    assert sorted(asked.choices) == ["ACTIVE", "REBOOT", "SHUTOFF"]
    assert asked.explanation == "It runs."
    assert lesson.steps[0].hint.startswith("Look for the request that means: ")
    assert lesson.steps[1].hint == ""
    assert lesson.as_dict()["questions"] == [asked.as_dict()]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (QUESTION.replace('"REBOOT"', '"ACTIVE"'), "an answer stands there twice"),
        (QUESTION.replace('["SHUTOFF", "REBOOT"]', '"REBOOT"'), "wrong is not a list of 1 to 4"),
        (QUESTION.replace('["SHUTOFF", "REBOOT"]', "[]"), "wrong is not a list of 1 to 4 answers"),
        (QUESTION.replace('["SHUTOFF", "REBOOT"]', '"OFF"'), "wrong is not a list of 1 to 4"),
        (QUESTION.replace('["SHUTOFF", "REBOOT"]', "7"), "wrong is not a list of 1 to 4"),
        (QUESTION.replace('"REBOOT"', "7"), "wrong is not a text; expected one in quotes"),
        (QUESTION.replace('because = "It runs."', ""), "because is missing"),
        (QUESTION.replace("because", "why"), "unknown key 'why'"),
        (QUESTION * 21, "21 questions; expected at most 20"),
    ],
)
def test_a_wrong_question_is_one_line(wrong: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(said)) as raised:
        read(ECS, with_question(wrong), "a.toml")
    assert re.match(r"a\.toml:\d+: ", str(raised.value))


DRAGGING = """
[facts.bulb]
values = ["old", "new"]
meaning = "Which bulb it has."
because = "the bulb is {value}"
scope = "any"
default = "new"

[operations.look]
meaning = "Look at it."
paths = { "on" = "" }

[operations.shake]
meaning = "Shake it."
paths = { "on [bulb=old]" = "flickering -> off", "on [bulb=new]" = "flickering -> on" }

[operations.dim]
meaning = "Make it dark slowly."
paths = { "on" = "fading -> off" }

[operations.put_out]"""


def test_a_lesson_begins_with_a_request_that_takes_time_and_that_no_fact_decides(
    tmp_path: Path,
) -> None:
    table = tmp_path / "lamp.toml"
    states = '[statuses]\nflickering = { meaning = "It is on and off.", tone = "amber" }\nfading = { meaning = "It fades.", tone = "sand" }'
    text = LAMP.replace("[statuses]", states).replace("[operations.put_out]", DRAGGING)
    table.write_text(text, encoding="utf-8")
    lifecycle = server_class(str(table)).lifecycle
    steps = read(lifecycle, template(lifecycle).encode(), "lesson.toml").steps
    assert [step.trigger for step in steps] == ["dim", "advance"]
