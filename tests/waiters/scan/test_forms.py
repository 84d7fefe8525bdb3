"""Each form in which source waits for a server, in small sources of our own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.waiters.scan.scanning import only, scanned


def test_a_local_function_with_the_status_as_parameter_makes_its_calls_waits(
    tmp_path: Path,
) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import time

        def reach(nova, server, wanted):
            while nova.servers.get(server.id).status != wanted:
                time.sleep(1)

        def off(nova, server):
            nova.servers.stop(server)
            reach(nova, server, "SHUTOFF")
        """,
    )
    assert (wait.line, wait.operations, wait.target) == (10, ("stop",), ("SHUTOFF",))


def test_branches_give_several_operations_and_several_lists_of_values(tmp_path: Path) -> None:
    waits = scanned(
        tmp_path,
        a__py="""
        import openstack

        def again(compute, server, hard):
            if hard:
                compute.rebuild_server(server)
            else:
                compute.reboot_server(server, "SOFT")
            wanted = ["ACTIVE"]
            if server.status == "SHUTOFF":
                wanted = ["SHUTOFF"]
            utils.wait_for_status(compute.get_server, server.id, success_status=wanted)
        """,
    ).waits
    assert [wait.operations for wait in waits] == [("rebuild", "reboot")] * 2
    assert [wait.target for wait in waits] == [("ACTIVE",), ("SHUTOFF",)]
    assert {wait.failure for wait in waits} == {("ERROR",)}


def test_a_wait_begins_where_every_branch_before_it_left_the_server(tmp_path: Path) -> None:
    waits = scanned(
        tmp_path,
        a__py="""
        import openstack

        def again(conn, server, hard):
            if hard:
                conn.compute.stop_server(server)
                conn.compute.wait_for_server(server, status="SHUTOFF")
            else:
                conn.compute.rebuild_server(server)
                conn.compute.wait_for_server(server, status="SHUTOFF")
            conn.compute.start_server(server)
            conn.compute.wait_for_server(server, status="ACTIVE")
            if hard:
                conn.compute.stop_server(server)
                conn.compute.wait_for_server(server, status="SHUTOFF")
            conn.compute.rebuild_server(server)
            conn.compute.wait_for_server(server, status="SHUTOFF")
        """,
    ).waits
    starts = {(wait.line, wait.operations): wait.starts for wait in waits}
    assert starts[12, ("start",)] == ("stopped/-",)
    assert starts[17, ("rebuild",)] == ("stopped/-", "active/-")


def test_tempest_waits_for_a_status_without_a_task(tmp_path: Path) -> None:
    waits = scanned(
        tmp_path,
        a__py="""
        from tempest.common import waiters

        class Test:
            def test(self):
                server = self.create_test_server(wait_until="ACTIVE")
                self.client.pause_server(server["id"])
                waiters.wait_for_server_status(self.client, server["id"], "PAUSED")
                self.client.delete_server(server["id"])
                waiters.wait_for_server_termination(self.client, server["id"], ignore_error=True)
        """,
    ).waits
    assert [(w.line, w.operations, w.attribute, w.target, w.failure) for w in waits] == [
        (6, ("create",), "status+task_state", ("ACTIVE/-",), ("ERROR",)),
        (8, ("pause",), "status+task_state", ("PAUSED/-",), ("ERROR",)),
        (10, ("delete",), "status", ("<gone>",), ()),
    ]
    assert [wait.starts for wait in waits] == [None, ("active/-",), ("paused/-",)]


def test_a_reboot_of_a_kind_that_is_an_argument_can_be_either(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        def do_reboot(cs, args):
            server = _find_server(cs, args.server)
            server.reboot(args.reboot_type)
            _poll_for_status(cs.servers.get, server.id, "rebooting", ["active"])
        """,
    )
    assert wait.operations == ("reboot", "hard_reboot")
    assert (wait.target, wait.failure) == (("ACTIVE",), ("ERROR", "DELETED"))


def test_a_wait_whose_request_is_not_seen_is_not_judged(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import openstack

        def ready(conn, server):
            conn.compute.wait_for_server(server)
        """,
    )
    assert wait.operations == ()
    assert wait.reason == "no request for this server is seen before the wait"


def test_the_name_of_a_function_is_a_hint_alone(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import openstack

        def stop_server(conn, server):
            conn.compute.wait_for_server(server, status="SHUTOFF")
        """,
    )
    assert (wait.operations, wait.guess) == (("stop",), True)


GO = """
package wait

import (
    "github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
    "github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
)

const off = "SHUTOFF"

func look(c *gophercloud.ServiceClient, id string) retry.StateRefreshFunc {
    return func() (any, string, error) {
        s, err := servers.Get(ctx, c, id).Extract()
        if err != nil {
            if gophercloud.ResponseCodeIs(err, 404) {
                return s, "DELETED", nil
            }
            return nil, "", err
        }
        if s.Status == "ERROR" {
            return s, "", fmt.Errorf("broken")
        }
        return s, s.Status, nil
    }
}
"""


def test_a_refresh_function_makes_a_404_a_target_and_an_error_a_failure(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__go=GO,
        b__go="""
        package wait

        import "github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"

        func end(id string) {
            servers.Delete(ctx, c, id)
            conf := &retry.StateChangeConf{
                Pending: []string{"ACTIVE", off},
                Target:  []string{"DELETED"},
                Refresh: look(c, id),
            }
        }
        """,
    )
    assert (wait.file, wait.line, wait.operations) == ("b.go", 8, ("delete",))
    assert wait.pending == ("ACTIVE", "SHUTOFF")
    assert wait.target == ("DELETED", "<gone>")
    assert wait.failure == ("ERROR",)


def test_sibling_branches_in_go_give_several_operations(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__go=GO
        + """
func end(id string, force bool) {
    if force {
        servers.ForceDelete(ctx, c, id)
    } else {
        servers.Delete(ctx, c, id)
    }
    conf := retry.StateChangeConf{Target: []string{"DELETED"}, Refresh: look(c, id)}
}
""",
    )
    assert wait.operations == ("force_delete", "delete")


def test_a_closure_of_gophercloud_with_a_parameter_makes_its_calls_waits(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__go=GO
        + """
func reach(c *Client, server *servers.Server, status string) error {
    return gophercloud.WaitFor(ctx, func(ctx context.Context) (bool, error) {
        latest, err := servers.Get(ctx, c, server.ID).Extract()
        if err != nil {
            return false, err
        }
        if latest.Status == status {
            return true, nil
        }
        if latest.Status == "ERROR" {
            return false, fmt.Errorf("broken")
        }
        return false, nil
    })
}

func halt(server *servers.Server) {
    servers.Pause(ctx, c, server.ID)
    reach(c, server, "PAUSED")
}
""",
    )
    assert (wait.function, wait.operations) == ("halt", ("pause",))
    assert (wait.pending, wait.target, wait.failure) == (None, ("PAUSED",), ("ERROR",))


def test_servers_of_bare_metal_are_passed_over(tmp_path: Path) -> None:
    text = GO.replace("openstack/compute/v2", "openstack/bms/v2")
    scan = scanned(tmp_path, a__go=text + "var x = retry.StateChangeConf{Refresh: look(c, id)}\n")
    assert (scan.waits, scan.passed_over) == ([], 1)


def test_a_shell_loop_that_breaks_at_a_status_is_a_wait(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__sh="""
        openstack server resize --flavor big "$vm"
        for i in $(seq 60); do
            status=$(openstack server show "$vm" -f value -c status)
            if [ "$status" = VERIFY_RESIZE ]; then break; fi
            if [ "$status" = ERROR ]; then exit 1; fi
            sleep 5
        done
        """,
    )
    assert (wait.line, wait.operations) == (3, ("resize",))
    assert (wait.target, wait.failure) == (("VERIFY_RESIZE",), ("ERROR",))


def test_a_playbook_waits_by_a_command_and_by_an_action_that_waits(tmp_path: Path) -> None:
    waits = scanned(
        tmp_path,
        a__yml="""
        - hosts: all
          tasks:
            - block:
                - command: openstack server stop web
                - name: off
                  command: openstack server show web -f value -c status
                  register: shown
                  until: shown.stdout == "SHUTOFF"
            - openstack.cloud.server_action:
                name: web
                action: start
                wait: true
            - openstack.cloud.server:
                name: web
                state: absent
                wait: false
            - openstack.cloud.server_info:
                name: web
              register: left
              until: left.servers | length == 0
        """,
    ).waits
    assert [(w.line, w.operations, w.target) for w in waits] == [
        (6, ("stop",), ("SHUTOFF",)),
        (10, ("start",), ("ACTIVE",)),
        (18, ("delete",), ("<gone>",)),
    ]


@pytest.mark.parametrize(
    "task",
    [
        "command: openstack server stop web",
        "command: { cmd: openstack server stop web }",
        "command: { argv: [openstack, server, stop, web] }",
        "command: { _raw_params: openstack server stop web }",
        "shell: openstack server list && openstack server stop web",
    ],
)
def test_a_command_of_a_playbook_has_several_forms(task: str, tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text(
        f"- hosts: all\n  tasks:\n    - {task}\n"
        "    - command: openstack server show web -f value -c status\n"
        "      register: shown\n      until: shown.stdout == 'SHUTOFF'\n",
        encoding="utf-8",
    )
    (wait,) = scanned(tmp_path).waits
    assert (wait.line, wait.operations, wait.target) == (4, ("stop",), ("SHUTOFF",))


def test_a_go_loop_that_sleeps_is_a_wait(tmp_path: Path) -> None:
    (wait,) = scanned(
        tmp_path,
        a__go="""
        package cloud

        import (
            "fmt"
            "time"

            "github.com/gophercloud/gophercloud/openstack/compute/v2/servers"
            "github.com/gophercloud/gophercloud/openstack/blockstorage/v3/volumes"
        )

        func off(client Client, id string) error {
            if err := servers.Stop(client, id).ExtractErr(); err != nil {
                return err
            }
            for {
                server, err := servers.Get(client, id).Extract()
                if err != nil {
                    return err
                }
                if server.Status == "SHUTOFF" {
                    break
                }
                if server.Status == "ERROR" {
                    return fmt.Errorf("failed")
                }
                time.Sleep(5 * time.Second)
            }
            for {
                volume, _ := volumes.Get(client, "v").Extract()
                if volume.Status == "available" {
                    return nil
                }
                time.Sleep(time.Second)
            }
        }
        """,
    ).waits
    assert (wait.line, wait.operations) == (16, ("stop",))
    assert (wait.pending, wait.target, wait.failure) == (None, ("SHUTOFF",), ("ERROR",))


def test_a_go_loop_with_a_condition_is_a_wait(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__go="""
        package cloud

        import (
            "time"

            "github.com/gophercloud/gophercloud/openstack/compute/v2/servers"
        )

        func on(client Client, server *servers.Server) {
            servers.Start(client, server.ID)
            for server.Status != "ACTIVE" {
                time.Sleep(time.Second)
                server, _ = servers.Get(client, server.ID).Extract()
            }
        }
        """,
    )
    assert (wait.line, wait.operations, wait.target) == (12, ("start",), ("ACTIVE",))


def test_a_call_of_a_shell_function_that_waits_is_a_wait(tmp_path: Path) -> None:
    waits = scanned(
        tmp_path,
        a__sh="""
        wait_for() {
          local server=$1 wanted=$2
          until [ "$(openstack server show "$server" -f value -c status)" = "$wanted" ]; do
            sleep 5
          done
        }
        OFF=SHUTOFF
        openstack server stop vm-1
        wait_for vm-1 $OFF
        openstack server start vm-1
        wait_for vm-1 ACTIVE
        """,
    ).waits
    assert [(w.line, w.operations, w.target) for w in waits] == [
        (10, ("stop",), ("SHUTOFF",)),
        (12, ("start",), ("ACTIVE",)),
    ]
    assert waits[1].starts == ("stopped/-",)


def test_a_shell_loop_over_lines_is_no_wait(tmp_path: Path) -> None:
    scan = scanned(
        tmp_path,
        a__sh="""
        while read -r host; do
            openstack server list --host "$host" -c id
            sleep 2
        done < hosts
        """,
    )
    assert scan.waits == []


def test_a_shell_loop_around_a_case_has_its_values(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__sh="""
        openstack server rebuild vm
        while true; do
          case "$(openstack server show vm -f value -c status)" in
            ACTIVE|SHUTOFF) break ;;
            ERROR) exit 1 ;;
          esac
          sleep 5
        done
        """,
    )
    assert (wait.target, wait.failure) == (("ACTIVE", "SHUTOFF"), ("ERROR",))


def test_a_python_loop_that_names_where_it_goes_on_has_no_made_up_values(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import time

        def boot(nova):
            server = nova.servers.create("a", "b", "c")
            while server.status == "BUILD":
                time.sleep(1)
                server = nova.servers.get(server.id)
        """,
    )
    assert (wait.pending, wait.target) == (("BUILD",), ())
    assert wait.reason == "it ends at every value but those that it names"


def test_an_exit_that_is_refused_after_the_loop_is_a_failure(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import time

        def move(nova, server):
            server.migrate()
            while server.status not in ["VERIFY_RESIZE", "ERROR"]:
                time.sleep(1)
                server = nova.servers.get(server.id)
            if server.status == "VERIFY_RESIZE":
                return True
            else:
                return False
        """,
    )
    assert (wait.target, wait.failure) == (("VERIFY_RESIZE",), ("ERROR",))


def test_a_wait_for_a_thing_that_may_not_be_a_server_is_passed_over_and_counted(
    tmp_path: Path,
) -> None:
    scan = scanned(
        tmp_path,
        a__py="""
        import openstack

        def f(conn, vm, thing, proxy):
            conn.compute.stop_server(vm)
            proxy.wait_for_status(thing, "ACTIVE")
            proxy.wait_for_delete(thing)
            conn.compute.wait_for_server(vm, status="SHUTOFF")
        """,
    )
    assert scan.passed_over == 2
    assert [wait.operations for wait in scan.waits] == [("stop",)]


def test_an_exit_inside_a_with_is_an_exit(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import time

        def move(nova, server, log):
            server.migrate()
            while True:
                server = nova.servers.get(server.id)
                if server.status == "VERIFY_RESIZE":
                    with log:
                        log.write("moved")
                        return server
                if server.status == "ERROR":
                    with log:
                        raise RuntimeError(server.id)
                time.sleep(1)
        """,
    )
    assert (wait.target, wait.failure) == (("VERIFY_RESIZE",), ("ERROR",))


def test_a_command_in_a_text_is_a_request(tmp_path: Path) -> None:
    wait = only(
        tmp_path,
        a__py="""
        import time

        class Test:
            def test(self, client, server):
                self.nova("pause %s" % server.id)
                while client.servers.get(server.id).status != "PAUSED":
                    time.sleep(1)
        """,
    )
    assert (wait.operations, wait.target) == (("pause",), ("PAUSED",))


def test_a_request_by_the_name_of_its_action_is_a_request(tmp_path: Path) -> None:
    waits = scanned(
        tmp_path,
        a__py="""
        import time

        def off(session, nova, server):
            session.post(f"/servers/{server.id}/action", json={"os-stop": None})
            while nova.servers.get(server.id).status != "SHUTOFF":
                time.sleep(1)

        def on(nova, server):
            nova.servers._action("os-start", server)
            while nova.servers.get(server.id).status != "ACTIVE":
                time.sleep(1)
        """,
    ).waits
    assert [w.operations for w in waits] == [("stop",), ("start",)]
