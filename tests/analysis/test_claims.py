"""Claims: what is true of which lifecycle, the runs that show the rest, and bad claim files."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_fsm import ECS, InvalidInput, Server
from ecs_fsm.analysis.claimfile import KINDS, built_in, parse, read
from ecs_fsm.analysis.claims import Decision
from ecs_fsm.analysis.words import arguments
from ecs_fsm.core.lifecycle import BaseServer, Lifecycle
from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.lifecycles.nova import Server as NovaServer
from tests import facts
from tests.analysis.test_path import STATUS, distances, steps
from tests.command import cpu_seconds, ecs_fsm, installed
from tests.scenario_runs import run

SERVERS: dict[str, type[BaseServer]] = {"ecs": Server, "nova": NovaServer}
BUILT_IN = ("delete-leads-to-deleted", "way-out", "error-left-by-delete-or-rebuild",
            "status-tells-task", "active-only-after-start", "failed-resize-shows-error",
            "confirmed-resize-ends-active", "delete-cannot-be-stopped")  # fmt: skip


def decided(lifecycle: Lifecycle, name: str) -> Decision:
    (claim,) = (claim for claim in built_in(lifecycle) if claim.name == name)
    return claim.says.decide(lifecycle)


def claimed(kind: str, lifecycle: Lifecycle, /, **keys: str | list[str]) -> Decision:
    """The decision on a claim of one's own."""
    lines = (f"{key} = {json.dumps(value)}" for key, value in keys.items())
    head = f'[[claim]]\nname = "mine"\ntext = "Mine."\nkind = "{kind}"\n'
    (claim,) = parse(lifecycle, head + "\n".join(lines), "mine.toml")
    return claim.says.decide(lifecycle)


def shown(decision: Decision) -> list[tuple[str | None, str]]:
    """The counterexample: each state with the event that entered it."""
    assert decision.counterexample
    changes = decision.counterexample.changes()
    return [(c.event, f"{c.vm_state}/{c.task_state or '-'}") for c in changes]


@pytest.mark.parametrize(
    ("lifecycle", "truth"),
    [(ECS, [True, True, True, *[False] * 4, True]), (NOVA, [True, True, *[False] * 6])],
    ids=repr,
)  # fmt: skip
def test_what_is_true_differs_between_lifecycles(lifecycle: Lifecycle, truth: list[bool]) -> None:
    assert [claim.name for claim in built_in(lifecycle)] == [*BUILT_IN]
    assert [decided(lifecycle, name).true for name in BUILT_IN] == truth


def test_a_confirmation_and_a_hanging_delete_are_shown_at_work() -> None:
    confirmed = decided(NOVA, "confirmed-resize-ends-active")
    assert shown(confirmed)[-1] == ("confirm_resize", "stopped/-")
    ended = decided(NOVA, "delete-cannot-be-stopped")
    assert shown(ended)[1:2] == [("delete", "active/deleting")]


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_a_claim_is_true_with_a_reason_or_false_with_a_run_that_can_be_run(
    lifecycle: Lifecycle, name: str
) -> None:
    decision = decided(lifecycle, name)
    assert decision.reason
    assert decision.true == (decision.counterexample is None)
    if decision.counterexample:
        server = run(SERVERS[lifecycle.name], arguments(lifecycle, decision.counterexample))
        lived = [(c.event, f"{c.vm_state}/{c.task_state or '-'}") for c in server.history]
        assert lived == shown(decision)


def test_a_delete_can_follow_everywhere_though_not_at_once() -> None:
    refusing = [s for s in facts.STATES if ("delete", s) not in facts.by_source(facts.OPERATIONS)]
    told = decided(ECS, "delete-leads-to-deleted").reason
    assert [state for state in refusing if state not in told] == ["deleted/-"]
    assert all("deleted/-" in distances(state) for state in facts.STATES)


def test_a_server_that_stops_shows_that_status_alone_is_not_enough() -> None:
    assert shown(decided(ECS, "status-tells-task")) == [
        (None, "active/-"),
        ("stop", "active/powering-off"),
    ]


def test_a_rebuild_passes_through_active_and_nothing_shorter_does_without_a_start() -> None:
    rebuild = shown(decided(ECS, "active-only-after-start"))
    assert rebuild == [
        (None, "stopped/-"),
        ("rebuild", "stopped/rebuilding"),
        ("advance", "stopped/rebuild_block_device_mapping"),
        ("advance", "stopped/rebuild_spawning"),
        ("advance", "active/-"),
        ("advance", "active/powering-off"),
    ]
    length, reached = 0, {"stopped/-"}
    while not any(STATUS[state] == "ACTIVE" for state in reached):
        length += 1
        reached = {
            state
            for here in reached
            for name, entered in steps(here)
            for state in entered
            if name != "start"
        }
    assert length == 4  # the rebuild and the end of each of its three steps


def test_a_resize_that_is_rolled_back_never_shows_error() -> None:
    assert shown(decided(ECS, "failed-resize-shows-error")) == [
        (None, "stopped/-"),
        ("resize", "stopped/resize_prep"),
        ("roll_back", "stopped/-"),
    ]


def test_error_is_left_otherwise_in_nova() -> None:
    decision = decided(NOVA, "error-left-by-delete-or-rebuild")
    (_, before), *_, (event, after) = shown(decision)
    assert NOVA.states[before].status == "ERROR" != NOVA.states[after].status
    assert event not in ("delete", "rebuild")


@pytest.mark.parametrize(
    ("kind", "keys", "true"),
    [
        ("never", {"from": "DELETED", "to": "any"}, True),
        ("never", {"from": "any", "to": "building"}, False),
        ("never", {"from": ["active", "stopped", "resized", "error"], "to": "BUILD"}, True),
        ("leads", {"from": "any", "to": "deleted/-", "by": "rebuild"}, False),
        ("leads", {"from": "stopped/-", "to": "resized/-", "by": "resize"}, True),
        ("leads", {"from": "any", "to": "VERIFY_RESIZE", "by": "resize"}, False),
        ("way-out", {"of": "any"}, False),
        ("way-out", {"of": ["active", "ERROR"]}, True),
        ("left-only-by", {"of": "VERIFY_RESIZE", "by": ["confirm_resize", "revert_resize"]}, False),
        ("left-only-by",
         {"of": "VERIFY_RESIZE", "by": ["confirm_resize", "revert_resize", "fail"]}, True),
        ("left-only-by", {"of": "MIGRATING", "by": ["live_migrate", "delete"]}, True),
        ("left-only-by", {"of": "MIGRATING", "by": "live_migrate"}, False),
        ("accepted", {"of": ["active", "stopped", "error"], "by": "delete"}, True),
        ("accepted", {"of": "any", "by": "delete"}, False),
        ("tells", {"attribute": "task_state"}, False),
        ("tells", {"attribute": "vm_state"}, False),
        ("between", {"from": "VERIFY_RESIZE", "to": "RESIZE", "always": "resize"}, True),
        ("between", {"from": "ERROR", "to": "ACTIVE", "always": ["rebuild", "delete"]}, True),
        ("between", {"from": "RESIZE", "to": "REVERT_RESIZE", "always": "revert_resize"}, True),
        ("between", {"from": "BUILD", "to": "ACTIVE", "always": "rebuild"}, False),
        ("between",
         {"from": "active/-", "to": "active/powering-off", "always": ["stop", "rebuild"]}, False),
        ("course", {"of": "rebuild", "that": "succeeds", "ends": "ACTIVE"}, False),
        ("course", {"of": "rebuild", "that": "succeeds", "ends": ["ACTIVE", "SHUTOFF"]}, True),
        ("course", {"of": "rebuild", "that": "ends", "shows": "REBUILD"}, True),
        ("course", {"of": "delete", "that": "fails", "ends": "ERROR"}, True),
        ("course", {"of": "resize", "that": "fails", "shows": ["SHUTOFF", "ERROR"]}, True),
        ("course", {"of": "resize", "that": "fails", "shows": "RESIZE"}, False),
        ("course", {"of": "create", "that": "ends", "ends": ["ACTIVE", "ERROR"]}, True),
        ("course", {"of": "create", "that": "succeeds", "shows": "active/-"}, True),
        ("course", {"of": "confirm_resize", "that": "fails", "ends": "SHUTOFF"}, False),
        ("course", {"of": "confirm_resize", "that": "ends", "ends": ["SHUTOFF", "ERROR"]}, True),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else str(value),
)  # fmt: skip
def test_the_vocabulary_decides(kind: str, keys: dict[str, str | list[str]], true: bool) -> None:
    decision = claimed(kind, ECS, **keys)
    assert decision.true == true, decision.reason
    if decision.counterexample:
        run(Server, arguments(ECS, decision.counterexample))


def test_a_true_claim_says_what_holds() -> None:
    resting = claimed("course", ECS, of="stop", that="succeeds", ends="SHUTOFF")
    assert resting.true
    assert resting.reason == "every stop that succeeds ends in SHUTOFF"


def test_a_state_between_two_writes_of_one_event_is_reached() -> None:
    keys = {"from": "shelved_offloaded/-", "to": "shelved_offloaded/deleting", "by": "delete"}
    assert claimed("leads", NOVA, **keys).true
    # A request that enters no state leads nowhere.
    nowhere = {"from": "active/-", "to": "building/scheduling", "by": "lock"}
    assert not claimed("leads", NOVA, **nowhere).true


def test_a_false_claim_of_an_operation_names_the_event_that_ends_it() -> None:
    stopped = claimed("course", ECS, of="stop", that="succeeds", ends="ACTIVE")
    assert (
        stopped.reason
        == "with advance a stop that succeeds comes to stopped/-, which shows SHUTOFF"
    )
    unseen = claimed("course", ECS, of="confirm_resize", that="succeeds", ends="ERROR")
    assert unseen.reason.startswith("a confirm_resize that succeeds comes to ")


def test_the_kinds_are_those_that_the_help_documents() -> None:
    told = ecs_fsm("prove", "--help").out
    assert [kind for kind in KINDS if not re.search(rf"^ +{kind}  ", told, re.M)] == []


@pytest.mark.parametrize("lifecycle", [ECS, NOVA], ids=repr)
def test_what_nothing_leads_out_of_is_not_said_to_be_left(lifecycle: Lifecycle) -> None:
    decision = claimed("left-only-by", lifecycle, of="DELETED", by="stop")
    assert decision == Decision(True, "nothing leads out of DELETED")
    left = claimed("left-only-by", lifecycle, of="deleted/-", by="stop").reason
    assert left == "nothing leads out of deleted/-"
    if lifecycle is ECS:
        told = claimed("left-only-by", ECS, of="MIGRATING", by=["live_migrate", "delete"]).reason
        assert told == "every way out of MIGRATING is one of live_migrate and delete"


def test_a_claim_holds_for_every_value_of_what_is_remembered() -> None:
    kept = {"of": "confirm_resize", "that": "succeeds", "ends": "SHUTOFF"}
    decision = claimed("course", NOVA, **kept)
    assert (decision.true, claimed("course", ECS, **kept).true) == (False, True)
    assert shown(decision)[-1] == ("confirm_resize", "active/-")


HEAD = '[[claim]]\nname = "a"\ntext = "A."\n'


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('[[claim]]\nname = "a\n', 2, "not valid TOML (Illegal character"),
        ("", 1, "there is no claim; expected tables [[claim]] with name, text, kind"),
        ("claim = 3\n", 1, "claim is not an array of tables; expected tables [[claim]]"),
        ('x = 1\n[[claims]]\nname = "a"\n', 1, "unknown key 'x'; known: claim"),
        ("\n[[claims]]\n", 2, "unknown key 'claims'; did you mean 'claim'?"),
        (HEAD, 1, "the claim has no 'kind'; a text was expected"),
        (HEAD + 'kind = "lead"\n', 4, "unknown kind 'lead'; did you mean 'leads'?"),
        (HEAD + 'kind = "never"\nfrom = "any"\n', 1,
         "the claim has no 'to'; a word or a list of words was expected"),
        (HEAD + 'kind = "never"\nfrom = "any"\nto = "ACTIV"\n', 6,
         "unknown state, status or vm_state 'ACTIV'; did you mean 'ACTIVE'?"),
        (HEAD + 'kind = "never"\nfrom = "any"\nto = []\n', 6,
         "'to' is []; a word or a list of words was expected"),
        (HEAD + 'kind = "never"\nform = "any"\nto = "ERROR"\n', 5,
         "unknown key of never 'form'; did you mean 'from'?"),
        (HEAD + 'kind = "left-only-by"\nof = "ERROR"\nby = ["delete", "rebuilt"]\n', 6,
         "unknown operation or event 'rebuilt'; did you mean 'rebuild'?"),
        (HEAD + 'kind = "accepted"\nof = "ERROR"\nby = "fail"\n', 6, "unknown operation 'fail'"),
        (HEAD + 'kind = "tells"\nattribute = "state"\n', 5,
         "unknown attribute 'state'; did you mean 'vm_state'?"),
        (HEAD + 'kind = "course"\nof = "resize"\nthat = "failed"\nshows = "ERROR"\n', 6,
         "unknown that 'failed'; did you mean 'fails'?"),
        (HEAD + 'kind = "course"\nof = "resize"\nthat = "fails"\n', 4,
         "one of 'shows' and 'ends' was expected"),
        (HEAD + 'kind = "course"\nof = ["resize", "stop"]\nthat = "fails"\nends = "ERROR"\n', 5,
         "'of' names several operations; one was expected"),
        (HEAD + 'kind = "tells"\nattribute = 3\n', 5, "'attribute' is 3; a text was expected"),
        (HEAD + 'kind = "tells"\nattribute = "status"\n' + HEAD
         + 'kind = "tells"\nattribute = "status"\n', 7, "a second claim is named 'a'"),
        ('[[claim]]\nname = "a"\ntext = """\n[[claim]]\nkind = "x"\n"""\nkind = "lead"\n', 7,
         "unknown kind 'lead'"),
        (f"{HEAD}a = {'[' * 5000}", 1, "nested too deeply"),
        (f"{HEAD}a = {'9' * 5000}", 1, "not valid TOML (Exceeds the limit"),
        (f'{HEAD}kind = "way-out"\nof = "any"\n[claim.but]\n', 6, "'but' is {}; a word or a list"),
        ("\ufeff" + HEAD.replace("\n", "\r\n") + 'kind = "lead"\n', 4, "unknown kind 'lead'"),
    ],
    ids=lambda value: value if isinstance(value, str) and "\n" not in value else "",
)  # fmt: skip
def test_a_bad_claim_file_is_one_line_with_its_place(
    tmp_path: Path, text: str, line: int, message: str
) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8", newline="")
    with pytest.raises(InvalidInput) as raised:
        read(ECS, str(file))
    assert str(raised.value).startswith(f"{file}:{line}: {message}")


def test_a_bad_claim_file_ends_the_command(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[[claim]]\nnam = "a"\nkind = "way-out"\nof = "any"\n', encoding="utf-8")
    assert ecs_fsm("prove", "--claims", str(file)) == (
        2,
        "",
        f"ecs-fsm: {file}:2: unknown key of way-out 'nam'; did you mean 'name'?\n",
    )
    file.write_bytes(b"[[claim]]\n\xff")
    assert ecs_fsm("prove", "--claims", str(file)).err == (
        f"ecs-fsm: {file}:2: not valid UTF-8; expected tables [[claim]] with name, text, kind\n"
    )
    assert ecs_fsm("prove", "--claims", "no/such.toml") == (
        2, "", "ecs-fsm: no/such.toml: No such file or directory\n",
    )  # fmt: skip
    assert ecs_fsm("prove", "way-ou").err == (
        "ecs-fsm: unknown claim 'way-ou'; did you mean 'way-out'?\n"
    )


def test_the_answer_is_no_where_a_claim_is_false() -> None:
    assert ecs_fsm("prove").code == 1
    assert ecs_fsm("prove", "way-out", "delete-leads-to-deleted").code == 0
    assert ecs_fsm("prove", "error-left-by-delete-or-rebuild").code == 0
    assert ecs_fsm("prove", "error-left-by-delete-or-rebuild", "--lifecycle", "nova").code == 1


def test_claims_of_one_s_own_are_decided_alone_or_with_others_by_name(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(HEAD + 'kind = "never"\nfrom = "DELETED"\nto = "any"\n', encoding="utf-8")
    alone = ecs_fsm("prove", "--claims", str(file))
    assert alone == (0, "true: A. [a]\n  from DELETED no event leads to any state\n", "")
    both = json.loads(ecs_fsm("prove", "a", "way-out", "--claims", str(file), "--json").out)
    assert [claim["name"] for claim in both["claims"]] == ["a", "way-out"]


def test_a_false_claim_for_a_person() -> None:
    assert ecs_fsm("prove", "status-tells-task").out == (
        "false: Status alone tells whether a task runs. [status-tells-task]\n"
        "  status is ACTIVE at active/-, where nothing runs, and at active/powering-off, where "
        "something does\n"
        "  active/- (ACTIVE), stop → active/powering-off (ACTIVE)\n"
        "  ecs-fsm simulate stop:hang@powering-off --from active/-\n"
    )


def test_claims_as_json() -> None:
    code, out, _ = ecs_fsm("prove", "failed-resize-shows-error", "--json")
    answer = json.loads(out)
    assert (code, list(answer)) == (1, ["lifecycle", "claims"])
    (claim,) = answer["claims"]
    assert list(claim) == ["name", "text", "true", "reason", "counterexample", "simulate"]
    assert claim["counterexample"][1:] == [
        {"event": "resize", "vm_state": "stopped", "task_state": "resize_prep", "status": "RESIZE"},
        {"event": "roll_back", "vm_state": "stopped", "task_state": None, "status": "SHUTOFF"},
    ]
    ran = json.loads(ecs_fsm("simulate", *claim["simulate"], "--json").out)
    assert ran["changes"] == claim["counterexample"]


@pytest.mark.parametrize(("lifecycle", "seconds"), [("ecs", 2), ("nova", 5)])
def test_claims_are_decided_while_one_waits(lifecycle: str, seconds: float) -> None:
    begun = cpu_seconds()
    assert installed("prove", "--lifecycle", lifecycle).code == 1
    assert cpu_seconds() - begun < seconds


def test_nothing_heavy_is_imported_before_it_is_used() -> None:
    code = "import sys, ecs_fsm.cli; sys.exit('networkx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
