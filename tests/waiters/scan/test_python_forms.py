"""Waits in Python source whose values, helpers or requests stand in another place or form."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.waiters.scan.scanning import scanned

WORDS = """
(RUNNING, OFF) = ("ACTIVE", "SHUTOFF")
"""
BASE = """
from tempest.common import waiters

from fleet import words


class Base:
    def wait_for_server_status(self, server, status, client=None):
        client = client or self.client
        waiters.wait_for_server_status(client, server["id"], status)

    def wait_until_up(self, server):
        self.wait_for_server_status(server, words.RUNNING)
"""
FORMS = {
    "a constant of another module": (
        """
        from fleet import words as w

        def f(conn, server):
            conn.compute.stop_server(server)
            conn.compute.wait_for_server(server, status=w.OFF)
        """,
        [("stop", ["SHUTOFF"], ["ERROR"])],
    ),
    "a constant that is imported": (
        """
        from fleet.words import OFF

        def f(conn, server):
            conn.compute.stop_server(server)
            conn.compute.wait_for_server(server, status=OFF)
        """,
        [("stop", ["SHUTOFF"], ["ERROR"])],
    ),
    "a method of the name of a known function, inherited from another file": (
        """
        from fleet.base import Base

        class Test(Base):
            def test(self, server):
                self.client.stop_server(server["id"])
                self.wait_for_server_status(server, "SHUTOFF")
        """,
        [("stop", ["SHUTOFF/-"], ["ERROR"])],
    ),
    "an inherited method that waits for one status": (
        """
        from fleet.base import Base

        class Test(Base):
            def test(self, server):
                self.client.start_server(server["id"])
                self.wait_until_up(server)

            def other(self, server):
                self.wait_until_up(server)
        """,
        [("start", ["ACTIVE/-"], ["ERROR"])],
    ),
    "the cases of a match, each with its own request and wait": (
        """
        def f(conn, server, action):
            match action:
                case "stop":
                    conn.compute.stop_server(server)
                    conn.compute.wait_for_server(server, status="SHUTOFF")
                case "start":
                    conn.compute.start_server(server)
                    conn.compute.wait_for_server(server)
        """,
        [("stop", ["SHUTOFF"], ["ERROR"]), ("start", ["ACTIVE"], ["ERROR"])],
    ),
    "a wrapper whose methods begin with the server": (
        """
        import time

        def f(compute, server_id):
            compute.server_delete(server_id)
            while True:
                try:
                    server = compute.server_get(server_id)
                    if server.get("status").lower() == "soft_deleted":
                        break
                except errors.InstanceNotFound:
                    break
                time.sleep(2)
        """,
        [("delete", ["SOFT_DELETED", "<gone>"], [])],
    ),
    "a private iterator that sleeps": (
        """
        import openstack

        def f(conn, server_id):
            conn.compute.rebuild_server(server_id)
            for count in _utils._iterate_timeout(60, "too late"):
                server = conn.get_server(server_id)
                if server["status"] == "ERROR":
                    raise Failed(server)
                if server["status"] == "ACTIVE":
                    return server
        """,
        [("rebuild", ["ACTIVE"], ["ERROR"])],
    ),
    "a break before an error is a failure": (
        """
        import time

        def f(nova, server):
            nova.servers.start(server)
            for _ in range(60):
                status = nova.servers.get(server.id).status
                if status == "ACTIVE":
                    return
                elif status == "ERROR":
                    break
                time.sleep(1)
            raise Failed(server)
        """,
        [("start", ["ACTIVE"], ["ERROR"])],
    ),
    "a branch on the status itself": (
        """
        import openstack

        def f(conn, server, status="ACTIVE"):
            if status == "PAUSED":
                conn.compute.pause_server(server)
                conn.compute.wait_for_server(server, status=status)
        """,
        [("pause", ["PAUSED"], ["ERROR"])],
    ),
    "a function that requests something itself before it waits": (
        """
        import openstack

        def f(conn, server, status):
            conn.compute.live_migrate_server(server)
            conn.compute.wait_for_server(server, status=status)

        def g(conn, server):
            conn.compute.resize_server(server, "big")
            f(conn, server, "ACTIVE")
        """,
        [("live_migrate", ["ACTIVE"], ["ERROR"])],
    ),
    "a reboot of one kind or the other": (
        """
        import openstack

        def f(conn, server, hard=False):
            conn.compute.reboot_server(server, "HARD" if hard else "SOFT")
            conn.compute.wait_for_server(server)
        """,
        [("reboot", "hard_reboot", ["ACTIVE"], ["ERROR"])],
    ),
    "a function that is given a client first": (
        """
        from fleet import compute
        import openstack

        def f(self, server):
            compute.shelve_server(self.servers_client, server["id"])
            self.conn.wait_for_server(server, status="SHELVED_OFFLOADED")
        """,
        [("shelve", ["SHELVED_OFFLOADED"], ["ERROR"])],
    ),
    "a method of a parameter that is named as a server": (
        """
        import openstack

        def f(conn, vm, disk):
            vm.stop()
            disk.delete()
            conn.compute.wait_for_server(vm, status="SHUTOFF")
        """,
        [("stop", ["SHUTOFF"], ["ERROR"])],
    ),
    "a function of the file that requests something for its first argument": (
        """
        import openstack

        def turn_off(server, cause):
            print(cause)
            CONNECTION.compute.stop_server(server)

        def f(conn, server, other):
            conn.compute.reboot_server(other, "HARD")
            turn_off(server, other)
            conn.compute.wait_for_server(server, status="SHUTOFF")
            conn.compute.wait_for_server(other)
        """,
        [("stop", ["SHUTOFF"], ["ERROR"]), ("hard_reboot", ["ACTIVE"], ["ERROR"])],
    ),
    "a wait in the else of a loop that does not sleep": (
        """
        import openstack

        def f(conn, server, names):
            conn.compute.stop_server(server)
            for name in names:
                print(name)
            else:
                conn.compute.wait_for_server(server, status="SHUTOFF")
        """,
        [("stop", ["SHUTOFF"], ["ERROR"])],
    ),
    "names that stand for each other": (
        """
        import openstack

        def f(conn, server):
            conn.compute.stop_server(server)
            wanted = other
            other = wanted
            conn.compute.wait_for_server(server, status=wanted)
        """,
        [],
    ),
    "servers that are attributes of different owners": (
        """
        import openstack

        def f(conn, here, there):
            conn.compute.stop_server(here.server)
            conn.compute.start_server(there.server)
            conn.compute.wait_for_server(here.server, status="SHUTOFF")
            conn.compute.wait_for_server(there.server, status="ACTIVE")
        """,
        [("stop", ["SHUTOFF"], ["ERROR"]), ("start", ["ACTIVE"], ["ERROR"])],
    ),
    "a second wait after the same request": (
        """
        import openstack

        def f(conn, server):
            conn.compute.stop_server(server)
            conn.compute.wait_for_server(server, status="SHUTOFF")
            conn.compute.wait_for_server(server, status="SHUTOFF")
        """,
        [("stop", ["SHUTOFF"], ["ERROR"])] * 2,
    ),
    "a command that is put together of parts": (
        """
        import time

        class Test:
            def test(self, name):
                self.openstack("server rescue --image " + self.image + " " + name)
                while self.openstack("server show " + name, parse_output=True)["status"] != "RESCUE":
                    time.sleep(1)
        """,
        [("rescue", ["RESCUE"], [])],
    ),
}


@pytest.mark.parametrize(("source", "expected"), FORMS.values(), ids=FORMS)
def test_a_form_of_python_is_read_as_it_is_meant(
    source: str, expected: list[tuple[object, ...]], tmp_path: Path
) -> None:
    (tmp_path / "fleet").mkdir()
    (tmp_path / "fleet/words.py").write_text(WORDS)
    (tmp_path / "fleet/base.py").write_text(BASE)
    waits = [w for w in scanned(tmp_path, a__py=source).waits if w.file == "a.py"]
    assert [(*w.operations, [*w.target], [*w.failure]) for w in waits] == expected
    assert all(wait.reason is None for wait in waits), textwrap.dedent(source)
