"""The quiz: every answer is right by the table, every wrong choice wrong, and a seed decides."""

from __future__ import annotations

import re
from itertools import product

import pytest

from ecs_fsm import ECS, InvalidInput, Lifecycle
from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.model import State
from ecs_fsm.lifecycles import server_class
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.teach.question import Question, not_entered
from ecs_fsm.teach.quiz import chosen, mulberry32, questions
from tests.facts import STATUS_TABLE

LIFECYCLES = (ECS, NOVA)
KINDS = ("status", "shows", "next", "failure", "refused", "why", "leads", "seen")
OF_NOVA = ("system", "hangs")


def of_kind(kind: str) -> list[tuple[Lifecycle, Question]]:
    return [(lc, q) for lc in LIFECYCLES for q in questions(lc) if q.kind == kind]


def right(question: Question) -> set[str]:
    return {question.choices[n] for n in question.answers}


def state_of(lifecycle: Lifecycle, question: Question) -> State:
    found = re.match(r"vm_state (\S+), task_state ([\w-]+)", question.text)
    assert found
    return lifecycle.state(found[1], None if found[2] == "null" else found[2])


def servers(lifecycle: Lifecycle, question: Question) -> list[BaseServer]:
    """Servers that the question can be about: whatever it does not say may be either way."""
    state = state_of(lifecycle, question)
    memory, known_facts = lifecycle.memory, {}
    for name in memory.names:
        for value in memory.values(name):
            if memory.fact(name).because.format(value=value) in question.text:
                known_facts[name] = value
    circumstances = {name for name in memory.names if memory.fact(name).circumstance}
    guards = {guard.fact for guard in lifecycle.table.guards}
    free = [n for n in memory.names if memory.open(n, state) and n not in guards | set(known_facts)]
    made = []
    for values in product(*(memory.values(name) for name in free)):
        facts = {
            n: v for n, v in known_facts.items() if n not in circumstances and memory.open(n, state)
        }
        node = lifecycle.place(state, {**facts, **dict(zip(free, values, strict=True))})
        made.append(server_class(lifecycle.name)(node))
    return made


def ends(server: BaseServer, operation: str) -> list[str]:
    """The statuses that are seen of an operation, and the state at its end."""
    server.trigger(operation)
    server.run()
    shown = [str(change.status) for change in server.history[1:]]
    return [*(s for n, s in enumerate(shown) if n == 0 or s != shown[n - 1]), str(server.state)]


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
def test_every_question_can_be_answered(lifecycle: Lifecycle) -> None:
    bank = questions(lifecycle)
    assert {question.kind for question in bank} == {*KINDS, *(OF_NOVA if lifecycle is NOVA else ())}
    assert len({question.text for question in bank}) == len(bank) > 100
    for question in bank:
        assert 3 <= len(set(question.choices)) == len(question.choices) <= 5
        assert 1 <= len(question.answers) < len(question.choices)
        assert list(question.answers) == sorted(set(question.answers))
        assert question.explanation.endswith((".", "-"))
        several = question.kind in ("shows", "refused", "leads", "hangs")
        assert ("Tick all" in question.text) == several
        assert several or len(question.answers) == 1


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=repr)
@pytest.mark.parametrize("kind", KINDS)
def test_the_right_answer_is_not_always_in_the_same_place(lifecycle: Lifecycle, kind: str) -> None:
    of = [q for q in questions(lifecycle) if q.kind == kind]
    assert len({question.answers for question in of}) > 1


def test_the_status_is_that_of_the_documentation() -> None:
    statuses = {f"{v}/{t or '-'}": s for v, t, s in STATUS_TABLE}
    asked = [(lc, q) for lc, q in of_kind("status") if lc is ECS]
    assert {state_of(lc, q): right(q) for lc, q in asked} == {n: {s} for n, s in statuses.items()}


def test_the_status_of_every_pair_is_asked() -> None:
    for lifecycle, question in of_kind("status"):
        state = state_of(lifecycle, question)
        assert right(question) == {lifecycle.status(state.vm_state, state.task_state)[0]}
    assert len(of_kind("status")) == len(ECS.states) + len(NOVA.states)


def test_the_states_that_show_a_status_are_ticked_and_no_other() -> None:
    for lifecycle, question in of_kind("shows"):
        status = question.text.split()[2].strip(":")
        shows = {s for s in question.choices if lifecycle.states[s].status == status}
        assert right(question) == shows


def test_requests_that_get_409_are_refused_and_the_others_accepted() -> None:
    for lifecycle, question in of_kind("refused"):
        for server in servers(lifecycle, question):
            refused = {name for name in question.choices if not server.may(name)}
            assert right(question) == refused, question.text
        for name in right(question):
            assert f"{name}: " in question.explanation


def test_the_reason_is_that_of_the_refusal() -> None:
    for lifecycle, question in of_kind("why"):
        operation = re.findall(r"user requests (\w+)", question.text)[0]
        for server in servers(lifecycle, question):
            refusal = lifecycle.refusal(operation, server.node)
            assert not server.may(operation)
            assert right(question) == {refusal.reason}


def test_no_reason_to_choose_from_is_true_beside_the_right_one() -> None:
    for lifecycle, question in of_kind("why"):
        state = state_of(lifecycle, question)
        operation = lifecycle.triggers[re.findall(r"user requests (\w+)", question.text)[0]]
        under = " or ".join(
            dict.fromkeys(t.source.vm_state for t in operation.transitions if t.source)
        )
        true = {f"task {state.task_state} is running"} if state.vm_state in under else set()
        true |= {f"vm_state is {state.vm_state}, it is accepted under {under}"}
        assert true & set(question.choices) <= right(question)


@pytest.mark.parametrize("kind", ["next", "failure", "system"])
def test_what_is_seen_next_is_what_a_server_enters(kind: str) -> None:
    for lifecycle, question in of_kind(kind):
        asked = re.findall(r"(?:user requests|ends with) (\w+)|and (\w+) happens", question.text)
        trigger = "".join(asked[0]) if asked else lifecycle.advance
        given = {
            name: value
            for name in lifecycle.triggers[trigger].given
            for value in lifecycle.memory.values(name)
            if lifecycle.memory.fact(name).because.format(value=value) in question.text
        }
        for server in servers(lifecycle, question):
            server.trigger(trigger, **given)
            entered = [f"{c.vm_state}/{c.task_state or '-'} ({c.status})" for c in server.history]
            seen = entered[1] if kind == "next" else entered[-1]
            # A choice may be followed by the meaning of the state.
            assert {text.partition(": ")[0] for text in right(question)} == {seen}, question.text


def test_what_ends_a_hanging_step_enters_a_state_and_the_others_do_not() -> None:
    asked = of_kind("hangs")
    assert {state_of(lc, q).task_state for lc, q in asked} == {"deleting", "soft-deleting"}
    for lifecycle, question in asked:
        for server in servers(lifecycle, question):
            for name in question.choices:
                here = type(server)(server.node)
                moved = here.may(name) and here.trigger(name) and len(here.history) > 1
                assert moved == (name in right(question)), f"{question.text} {name}"


def test_what_operators_meet_on_bad_days_is_asked() -> None:
    texts = [q.text for lc in LIFECYCLES for q in questions(lc)]
    for words in (
        ("vm_state active, task_state null, and restart happens", "plugging its network is broken"),
        ("vm_state active, task_state image_backup, and restart happens", "network is broken"),
        ("vm_state building, task_state spawning, and build_timeout happens",),
        ("and a user requests confirm_resize", "its guest's power is off"),
        ("vm_state active, task_state deleting, and the step hangs", "its host is up"),
    ):
        assert any(all(word in text for word in words) for text in texts), words


def test_what_leads_somewhere_ends_there_and_the_others_do_not() -> None:
    for lifecycle, question in of_kind("leads"):
        goal = re.findall(r"bring the server to ([\w/-]+)", question.text)[0]
        for server in servers(lifecycle, question):
            for name in question.choices:
                here = type(server)(server.node)
                there = here.may(name) and ends(here, name)[-1] == goal
                assert there == (name in right(question)), f"{question.text} {name}"


@pytest.mark.parametrize(("kind", "most"), [("leads", 2), ("hangs", 2), ("shows", 3)])
def test_the_number_of_right_answers_cannot_be_guessed(kind: str, most: int) -> None:
    counts = [len(question.answers) for _, question in of_kind(kind)]
    assert {*counts} == {*range(1, most + 1)}
    assert max(map(counts.count, counts)) <= 2 / 3 * len(counts)


def test_the_states_beside_those_that_show_a_status_are_near_or_at_rest() -> None:
    for lifecycle, question in of_kind("shows"):
        shown = [lifecycle.states[s] for s in right(question)]
        status = shown[0].status
        near = {s.vm_state for s in lifecycle.states.values() if s.status == status}
        wrong = [lifecycle.states[s] for s in {*question.choices} - right(question)]
        assert [s for s in wrong if s.vm_state not in near and s.task_state] == []


def test_a_state_that_nothing_leads_to_is_no_riddle() -> None:
    made, active = ECS.find("create", None)[0], ECS.states["active/-"]
    assert not_entered(ECS, made, active) == "Nothing leads to active/- here."


def test_what_a_poller_sees_is_what_a_server_shows() -> None:
    for lifecycle, question in of_kind("seen"):
        operation = re.findall(r"and (\w+) succeeds", question.text)[0]
        given = {
            name: value
            for name in lifecycle.triggers[operation].given
            for value in lifecycle.memory.values(name)
            if lifecycle.memory.fact(name).because.format(value=value) in question.text
        }
        for server in servers(lifecycle, question):
            server.trigger(operation, **given)
            server.run()
            shown = [str(c.status) for c in server.history[1:]]
            seen = [s for n, s in enumerate(shown) if n == 0 or shown[n - 1] != s]
            assert right(question) == {" → ".join(seen)}, question.text


def test_the_rebuild_that_passes_active_is_asked() -> None:
    (question,) = [
        q for lc, q in of_kind("seen")
        if lc is ECS and "vm_state stopped" in q.text and "rebuild succeeds" in q.text
    ]  # fmt: skip
    assert right(question) == {"REBUILD → ACTIVE → SHUTOFF"}
    assert "REBUILD → SHUTOFF" in question.choices


def test_a_question_states_only_what_decides_its_answer() -> None:
    deciding = [q for lc in LIFECYCLES for q in questions(lc) if "Also known" in q.text]
    assert [q for lc, q in of_kind("next") + of_kind("seen") if lc is ECS and q in deciding] == []
    assert [q.text for q in deciding if "locked" in q.text] == []
    (closing,) = [q for q in deciding if "active, task_state powering-off" in q.text]
    assert "this stop ends a rebuild or evacuation: yes" in closing.text


def test_the_generator_is_mulberry32() -> None:
    # As the generator's own text in JavaScript gives them.
    expected = {
        0: [0.26642920868471265, 0.0003297457005828619, 0.2232720274478197],
        7: [0.011704753153026104, 0.06195825757458806, 0.97690763277933],
        4294967295: [0.8964226141106337, 0.189478256739676, 0.7156526781618595],
    }
    for seed, numbers in expected.items():
        draws = mulberry32(seed)
        assert [next(draws) for _ in numbers] == numbers


def test_a_seed_decides_which_questions_are_asked_and_a_longer_sheet_begins_the_same() -> None:
    assert chosen(ECS, 7, 20) == chosen(ECS, 7, 20)
    assert chosen(ECS, 7, 20) == chosen(ECS, 7, 40)[:20]
    assert chosen(ECS, 7, 20) != chosen(ECS, 8, 20)
    bank = questions(ECS)
    assert sorted(q.text for q in chosen(ECS, 1, len(bank))) == sorted(q.text for q in bank)


@pytest.mark.parametrize(
    ("seed", "count", "said"),
    [
        (-1, 5, "invalid seed -1: expected 0 to 4294967295"),
        (2**32, 5, "invalid seed 4294967296: expected"),
        (1, 0, "invalid number of questions 0: expected 1 to"),
        (1, 10**6, "invalid number of questions 1000000: expected"),
    ],
)
def test_a_choice_that_cannot_be_is_an_error(seed: int, count: int, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        chosen(ECS, seed, count)


def test_a_request_is_asked_about_where_it_begins_at_rest() -> None:
    about = [
        state_of(lifecycle, question)
        for lifecycle, question in of_kind("next")
        if "a user requests" in question.text
    ]
    assert about
    assert [s for s in about if s.task_state] == []


def test_a_wrong_status_is_that_of_a_near_state() -> None:
    for lifecycle, question in of_kind("status"):
        state = state_of(lifecycle, question)
        near = {
            str(other.status)
            for other in lifecycle.states.values()
            if other.vm_state == state.vm_state and not other.task_state
        }
        if near - {str(state.status)}:
            assert near & ({*question.choices} - right(question)), question.text
