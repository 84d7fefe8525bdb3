"""What a server remembers: given, known from the right moment on, shown, and asked for if missing."""

import copy
import json
import pickle

import pytest

from ecs_fsm import InvalidInput, Refused, UnknownFact
from ecs_fsm.lifecycles.nova import NOVA, Server
from tests.command import Answer, ecs_fsm, installed


def lived(server: Server) -> list[str]:
    return [f"{c.event} {c.vm_state}/{c.task_state or '-'}" for c in server.history]


@pytest.mark.parametrize(("was", "status"), [("active", "ACTIVE"), ("stopped", "SHUTOFF")])
def test_a_confirmed_resize_leads_back_to_what_the_server_was(was: str, status: str) -> None:
    server = Server.at("resized", None, was=was)
    assert server.remembers == {"was": was}
    server.confirm_resize()
    assert (server.status, server.remembers) == (status, {})


def test_what_the_server_was_is_known_from_its_resize_until_it_is_reverted() -> None:
    server = Server.at("stopped")
    known = []
    server.observe(lambda change: known.append(dict(change.remembers)))
    server.resize()
    server.run()
    server.revert_resize()
    server.run()
    assert known == [{"was": "stopped"}] * 7 + [{}]
    assert server.state == "stopped/-"


def test_an_unknown_fact_is_an_error_that_names_it_and_its_values() -> None:
    server = Server.at("resized")
    before = server.history
    with pytest.raises(UnknownFact) as unsaid:
        server.confirm_resize()
    assert (unsaid.value.fact, unsaid.value.values) == ("was", ("active", "stopped"))
    assert str(unsaid.value) == (
        "confirm_resize at resized/- depends on was: say was=active or was=stopped"
    )
    assert (server.history, server.may("confirm_resize")) == (before, True)


def test_a_fact_is_given_with_its_event() -> None:
    server = Server.at("active", boot="image", upload="direct")
    server.shelve(offload="later")
    assert server.remembers["offload"] == "later"
    assert server.run() == "shelved/-"
    assert lived(server)[1:] == [
        "shelve active/shelving",
        "advance active/shelving_image_uploading",
        "advance shelved/-",
    ]


def test_a_circumstance_is_not_remembered() -> None:
    server = Server.at("active", "rebooting")
    with pytest.raises(UnknownFact, match="guest=on or guest=off"):
        server.restart()
    server.restart(guest="off")
    assert (server.state, server.remembers) == ("active/reboot_pending_hard", {})


def test_a_server_that_never_ran_is_not_stopped() -> None:
    server = Server.create()
    server.fail()
    assert server.remembers["launched"] == "no"
    with pytest.raises(Refused) as refused:
        server.stop()
    assert set(refused.value.allowed) == {
        "delete", "force_delete", "soft_delete", "reset_state_active", "reset_state_error",
        "lock", "unlock", "inject_network_info",
    }  # fmt: skip
    assert "never ran" in refused.value.reason


def test_a_locked_server_refuses_until_it_is_unlocked() -> None:
    server = Server.at("active")
    server.lock()
    assert len(server.history) == 1
    with pytest.raises(Refused, match="locked"):
        server.stop()
    server.unlock()
    assert server.stop()


def test_an_operation_that_touches_neither_attribute_changes_nothing() -> None:
    server = Server.at("paused")
    before = (server.state, server.history, server.remembers)
    assert server.attach_volume()
    assert (server.state, server.history, server.remembers) == before
    with pytest.raises(Refused):
        Server.at("paused", "unpausing").attach_volume()


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"was": "paused"}, "unknown value of was 'paused'; known: active, stopped"),
        ({"wos": "active"}, "unknown fact 'wos'; did you mean 'was'?"),
        ({"end": "kept"}, "end is not remembered at resized/-"),
    ],
)
def test_a_fact_that_cannot_be_is_refused(facts: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        Server.at("resized", None, history=True, **facts)
    assert str(raised.value) == message
    with pytest.raises(InvalidInput, match="contradicts stopped/resize_prep"):
        Server.at("stopped", "resize_prep", was="active")
    with pytest.raises(InvalidInput, match="stop takes no facts, offload is not given with it"):
        Server.at("active").trigger("stop", offload="later")


def test_copies_and_answers_of_the_api_keep_what_is_remembered() -> None:
    server = Server.at("resized", None, was="stopped")
    again = pickle.loads(pickle.dumps(server))  # noqa: S301  # the test wrote it itself
    assert server == copy.deepcopy(server) == again
    assert again.node is server.node
    assert server != Server.at("resized", None, was="active")
    assert Server.from_api(server.to_api(), was="stopped") == server


def test_facts_on_the_command_line() -> None:
    nova = ("--lifecycle", "nova")
    assert ecs_fsm("simulate", "confirm_resize", "--from", "resized/-", *nova) == Answer(
        2,
        "",
        "ecs-fsm: confirm_resize at resized/- depends on was: say was=active or was=stopped\n",
    )
    assert ecs_fsm(*nova, "simulate", "confirm_resize", "--from", "resized/-", "--remember", "was=stopped").out == (
        "event            vm_state   task_state   status          remembers\n"
        "-                resized    -            VERIFY_RESIZE   was=stopped\n"
        "confirm_resize   stopped    -            SHUTOFF\n"
    )  # fmt: skip
    words = (
        "reboot:restart[guest=off]@rebooting",
        "shelve[offload=later]",
        "unshelve",
        "power_sync",
    )
    remembered = ("--remember", "boot=image", "--remember", "upload=direct")
    code, out, _ = ecs_fsm("simulate", *words, "--from", "active/-", *remembered, *nova, "--json")
    changes = json.loads(out)["changes"]
    assert code == 0
    assert [c["event"] for c in changes if c["event"] != "advance"] == [
        None, "reboot", "restart", "shelve", "unshelve", "power_sync"
    ]  # fmt: skip
    assert changes[-1] == {
        "event": "advance", "vm_state": "stopped", "task_state": None, "status": "SHUTOFF",
        "remembers": {"offload": "later", "boot": "image", "upload": "direct"},
    }  # fmt: skip


def test_the_operations_of_a_server_that_remembers() -> None:
    there = ("operations", "resized", "-", "--json", "--lifecycle", "nova")
    for said, ends in (
        ((), ["active", "stopped", "active", "stopped"]),
        (("--remember", "was=stopped"), ["stopped", "active", "stopped"]),
    ):
        confirmed = [
            t for t in json.loads(ecs_fsm(*there, *said).out) if t["trigger"] == "confirm_resize"
        ]
        assert [t["path"][0]["vm_state"] for t in confirmed] == ends
    assert confirmed[0]["when"] == {"was": "stopped", "locked": "no", "guest": "kept"}
    assert ecs_fsm("operations", "--remember", "was=stopped", "--lifecycle", "nova") == Answer(
        2, "", "ecs-fsm: --remember is about a server in one state: say VM_STATE TASK_STATE\n"
    )


def test_the_lifecycle_named_last_counts() -> None:
    assert (
        ecs_fsm("--lifecycle", "ecs", "status", "rescued", "--lifecycle", "nova").out == "RESCUE\n"
    )
    assert installed("--lifecycle", "ecs", "status", "rescued", ECS_FSM_LIFECYCLE="nova").code == 2
    assert installed("status", "rescued", ECS_FSM_LIFECYCLE="nova").out == "RESCUE\n"
    assert ecs_fsm("--lifecycle", "nov", "table") == Answer(
        2, "", "ecs-fsm: unknown lifecycle 'nov'; did you mean 'nova'?\n"
    )


def test_the_status_rule_answers_for_every_pair_of_words() -> None:
    nova = ("--lifecycle", "nova")
    assert ecs_fsm("status", "rescued", "powering-on", *nova) == Answer(
        0, "RESCUE\n", "rescued/powering-on does not occur; the status would be RESCUE\n"
    )
    assert ecs_fsm("status", "frozen", *nova) == Answer(
        0, "UNKNOWN\n", "frozen/- does not occur; the status would be UNKNOWN\n"
    )
    assert NOVA.status("stopped", "rebooting_hard") == ("SHUTOFF", True)


def test_an_explanation_says_because_of_which_fact() -> None:
    told = ecs_fsm("explain", "confirm_resize", "--lifecycle", "nova").out
    assert "confirm_resize at resized/- → stopped/- (SHUTOFF) because it was stopped\n" in told
    assert "resized/- → stopped/- (SHUTOFF) because its guest's power is off\n" in told
