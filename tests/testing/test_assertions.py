"""`assert_waits`: a person's own loop against every run, with a story for each that breaks it."""

from __future__ import annotations

import re
import time

import pytest

from ecs_fsm.lifecycles.nova import NOVA
from ecs_fsm.testing import FakeServer, Gone, assert_waits, pollings, try_out


def patient(get_server: FakeServer) -> None:
    while get_server()["status"] != "VERIFY_RESIZE":
        time.sleep(1)


def careful(get_server: FakeServer) -> None:
    while (status := get_server()["status"]) != "VERIFY_RESIZE":
        if status in ("ACTIVE", "SHUTOFF", "ERROR"):
            raise RuntimeError(status)


def test_a_loop_that_is_right_passes() -> None:
    assert_waits(careful, "resize", lifecycle=NOVA)


def test_a_loop_that_waits_forever_fails_with_a_story() -> None:
    with pytest.raises(AssertionError) as raised:
        assert_waits(patient, "resize", from_="stopped/-")
    story = str(raised.value)
    assert story.isascii()
    assert story.startswith("patient does not wait for resize: ")
    assert (
        """
1. It waits forever, although resize came to rest at stopped/-.
   The server was stopped/-.
   After resize it was stopped/resize_prep (RESIZE).
   After roll_back it was stopped/- (SHUTOFF).
   The loop polled RESIZE, then SHUTOFF.
   Run: stopped/- -resize-> stopped/resize_prep -roll_back-> stopped/-, seen: all
"""
        in story
    )
    assert "RunPosition" not in story


def test_a_loop_that_leaves_early_fails_where_another_would_go_on() -> None:
    def hasty(get_server: FakeServer) -> None:
        while (status := get_server()["status"]) != "ACTIVE":
            if status == "ERROR":
                raise RuntimeError

    with pytest.raises(AssertionError, match="while rebuild still goes on to stopped/-"):
        assert_waits(hasty, "rebuild", from_="stopped/-")


def test_what_no_loop_can_see_does_not_fail() -> None:
    """A reboot that is rolled back looks like one that succeeded."""

    def wait(get_server: FakeServer) -> None:
        while (server := get_server()).task_state or server.status != "ACTIVE":
            if server.status == "ERROR":
                raise RuntimeError

    assert_waits(wait, "reboot")


def test_kinds_can_be_accepted() -> None:
    assert_waits(patient, "resize", accept=["hangs", "blind"])
    with pytest.raises(AssertionError, match="left error/-"):
        assert_waits(patient, "resize", accept="hangs")


def test_a_loop_that_never_succeeds_fails() -> None:
    def never(get_server: FakeServer) -> None:
        raise RuntimeError

    with pytest.raises(AssertionError, match="It never reports success"):
        assert_waits(never, "resize", accept="spurious-failure")
    with pytest.raises(AssertionError) as raised:
        assert_waits(never, "stop")
    first, second = re.findall(r"^\d\. .*$", str(raised.value), re.MULTILINE)
    assert first == "1. It never reports success, whatever it sees."
    assert second == "2. It reports failure, although stop succeeds."


def test_a_long_story_is_cut_after_five_kinds_of_runs() -> None:
    def hasty(get_server: FakeServer) -> None:
        get_server()

    many: set[tuple[object, object]] = set()
    for tried in try_out(hasty, pollings("resize")):
        many.add((tried.fault, tried.polling and tried.polling.run.nodes[-1].state))
    with pytest.raises(AssertionError) as raised:
        assert_waits(hasty, "resize")
    story = str(raised.value)
    assert len(re.findall(r"^\d\. ", story, re.MULTILINE)) == min(len(many), 5)
    assert (f"\n{len(many) - 5} more kinds of runs go wrong." in story) == (len(many) > 5)
    with pytest.raises(AssertionError) as raised:
        assert_waits(hasty, "start")
    assert "more kinds" not in str(raised.value)


def test_a_deletion_ends_with_404() -> None:
    def wait(get_server: FakeServer) -> None:
        try:
            while get_server()["status"] != "DELETED":
                time.sleep(1)
        except Gone:
            return

    with pytest.raises(AssertionError, match="It waits forever, although delete failed"):
        assert_waits(wait, "delete", from_="active/-")


def test_a_fake_server_counts_its_answers_from_the_first_one() -> None:
    polling = pollings("resize")[0]
    server = FakeServer(polling)
    assert server.place == -1
    server()
    assert server.place == polling.places[0]


def test_ids_of_pollings_are_ascii_and_differ() -> None:
    ids = [polling.id for polling in pollings("resize")]
    assert all(name.isascii() for name in ids)
    assert len({*ids}) == len(ids)
