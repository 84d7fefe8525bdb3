"""Forms of waits in Go source, each in a small function of our own."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.waiters.scan.scanning import scanned

HEAD = """\
package cloud

import (
    "time"

    "example.org/fleet/words"
    "github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
    "github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
)

var actions = map[string]string{"ON": "os-start", "OFF": "os-stop"}

func look(id string) retry.StateRefreshFunc {
    return func() (any, string, error) {
        s, err := servers.Get(ctx, c, id).Extract()
        return s, s.Status, err
    }
}

func (c *cloud) fetch(id string) (*servers.Server, error) { return c.cache.read(id) }

func until(id string, pending, target []string) error {
    conf := &retry.StateChangeConf{Pending: pending, Target: target, Refresh: look(id)}
    return conf.WaitForState()
}
"""
FORMS = {
    "a name that is declared in each branch has the value of its own": (
        """
        func f(id string) {
            servers.Stop(ctx, c, id)
            if true {
                target := []string{"SHUTOFF"}
                until(id, nil, target)
            }
            target := []string{"DELETED"}
            servers.Delete(ctx, c, id)
            until(id, nil, target)
        }
        """,
        [("stop", ["SHUTOFF"], [], None), ("delete", ["DELETED"], [], None)],
    ),
    "a target that a branch sets anew gives two lists": (
        """
        func f(id string, off bool) {
            servers.Rebuild(ctx, c, id, opts)
            target := []string{"ACTIVE"}
            if off {
                target = []string{"SHUTOFF"}
            }
            conf := &retry.StateChangeConf{Target: target, Refresh: look(id)}
        }
        """,
        [("rebuild", ["ACTIVE"], [], None), ("rebuild", ["SHUTOFF"], [], None)],
    ),
    "constants of another package of the project are known": (
        """
        func f(id string) {
            servers.Pause(ctx, c, id)
            until(id, []string{words.Running}, []string{words.Halted})
        }
        """,
        [("pause", ["PAUSED"], [], ["ACTIVE"])],
    ),
    "a loop around a switch ends at its cases": (
        """
        func f(id string) (*servers.Server, error) {
            servers.Start(ctx, c, id)
            for {
                select {
                case <-timer.C:
                    return nil, fmt.Errorf("too late")
                default:
                    s, err := fetch(id)
                    switch s.Status {
                    case "ACTIVE":
                        return s, nil
                    case "ERROR", "DELETED":
                        return s, fmt.Errorf("broken")
                    }
                    time.Sleep(time.Second)
                }
            }
        }
        """,
        [("start", ["ACTIVE"], ["ERROR", "DELETED"], None)],
    ),
    "a closure can say where it goes on and where it is done": (
        """
        func f(id string) error {
            servers.Suspend(ctx, c, id)
            return wait.PollUntilContextTimeout(ctx, 1, 2, true, func(ctx any) (bool, error) {
                s, err := servers.Get(ctx, c, id).Extract()
                if err != nil {
                    return false, err
                }
                if s.Status != "SUSPENDED" {
                    return false, nil
                }
                return true, nil
            })
        }
        """,
        [("suspend", ["SUSPENDED"], [], None)],
    ),
    "a comparison is returned by a closure that has a name": (
        """
        func f(id string) error {
            servers.Resume(ctx, c, id)
            ready := func() (bool, error) {
                s, err := servers.Get(ctx, c, id).Extract()
                return s.Status == "ACTIVE", err
            }
            return wait.Poll(1, 2, ready)
        }
        """,
        [("resume", ["ACTIVE"], [], None)],
    ),
    "lists that a helper searches are those of its callers": (
        """
        func reach(id string, on []string, goal []string) error {
            return wait.Poll(1, 2, func() (bool, error) {
                s, err := servers.Get(ctx, c, id).Extract()
                if err != nil {
                    if gophercloud.ResponseCodeIs(err, 404) && slices.Contains(goal, "DELETED") {
                        return true, nil
                    }
                    return false, err
                }
                if slices.Contains(goal, s.Status) {
                    return true, nil
                }
                if len(on) == 0 || slices.Contains(on, s.Status) {
                    return false, nil
                }
                return false, fmt.Errorf("unexpected")
            })
        }

        func f(id string) {
            servers.Resize(ctx, c, id, opts)
            reach(id, []string{"RESIZE"}, []string{"VERIFY_RESIZE"})
        }

        func g(id string) {
            servers.Delete(ctx, c, id)
            reach(id, nil, []string{"DELETED"})
        }
        """,
        [
            ("resize", ["VERIFY_RESIZE"], [], ["RESIZE"]),
            ("delete", ["DELETED", "<gone>"], [], None),
        ],
    ),
    "a helper that requests something itself before it waits": (
        """
        func move(id string, goal string) {
            servers.LiveMigrate(ctx, c, id, opts)
            conf := retry.StateChangeConf{Target: []string{goal}, Refresh: look(id)}
        }

        func f(id string) {
            servers.Resize(ctx, c, id, opts)
            move(id, "ACTIVE")
        }
        """,
        [("live_migrate", ["ACTIVE"], [], None)],
    ),
    "a parameter with the name of an import is a client": (
        """
        func boot(words Compute) error { return words.CreateServer(opts) }

        func f() error {
            boot(words)
            return Retry(60, func() error {
                s, err := servers.Get(ctx, c, id).Extract()
                if s.Status != "ACTIVE" {
                    return fmt.Errorf("not yet")
                }
                return nil
            })
        }
        """,
        [("create", ["ACTIVE"], [], None)],
    ),
    "an action is looked up in a table": (
        """
        func act(id string, name string) {
            name = strings.TrimPrefix(name, "FORCE-")
            action := actions[name]
            servers.Action(ctx, c, id, action)
        }

        func f(id string) {
            act(id, "FORCE-OFF")
            until(id, []string{"ACTIVE"}, []string{"SHUTOFF"})
        }
        """,
        [("stop", ["SHUTOFF"], [], ["ACTIVE"])],
    ),
    "options that are a variable say how a reboot is done, and of which server": (
        """
        func f(id string) {
            opts := servers.RebootOpts{Type: servers.HardReboot, ServerID: id}
            servers.Reboot(ctx, c, opts)
            until(id, nil, []string{"ACTIVE"})
        }
        """,
        [("hard_reboot", ["ACTIVE"], [], None)],
    ),
    "a request that was refused does not count beside a later one": (
        """
        func f(id string, order bool) {
            if err := servers.Stop(ctx, c, id).ExtractErr(); err != nil {
                log.Print(err)
            } else {
                until(id, nil, []string{"SHUTOFF"})
            }
            if order {
                cancel(id)
            } else {
                servers.Delete(ctx, c, id)
            }
            until(id, nil, []string{"DELETED"})
        }
        """,
        [("stop", ["SHUTOFF"], [], None), ("delete", ["DELETED"], [], None)],
    ),
    "a closure that tries a request again is no wait": (
        """
        func f(id string) error {
            return retry.RetryContext(ctx, 1, func() *retry.RetryError {
                s, err := servers.Rebuild(ctx, c, id, opts).Extract()
                if s.Status == "ACTIVE" {
                    return nil
                }
                return retry.RetryableError(err)
            })
        }
        """,
        [],
    ),
    "metadata of a server is no status": (
        """
        func f(s *servers.Server) {
            for {
                s, err := servers.Get(ctx, c, s.ID).Extract()
                if s.Metadata["automation_status"] == "DONE" {
                    break
                }
                time.Sleep(time.Second)
            }
        }
        """,
        [],
    ),
    "a caller's request counts for a loop in a method": (
        """
        func (d *driver) create() { servers.Create(ctx, c, opts) }

        func (d *driver) ready() error {
            for {
                s, err := servers.Get(ctx, c, d.id).Extract()
                if s.Status == "ACTIVE" {
                    return nil
                }
                time.Sleep(time.Second)
            }
        }

        func (d *driver) f() {
            d.create()
            d.ready()
        }
        """,
        [("create", ["ACTIVE"], [], None)],
    ),
}


@pytest.mark.parametrize(("source", "expected"), FORMS.values(), ids=FORMS)
def test_a_form_of_go_is_read_as_it_is_meant(
    source: str,
    expected: list[tuple[str, list[str], list[str], list[str] | None]],
    tmp_path: Path,
) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words/words.go").write_text(
        'package words\n\ntype Word string\n\nconst (\n    Running = "ACTIVE"\n'
        '    Halted = Word("PAUSED")\n)\n'
    )
    waits = scanned(tmp_path, a__go=HEAD + textwrap.dedent(source)).waits
    found = [(*w.operations, [*w.target], [*w.failure], w.pending and [*w.pending]) for w in waits]
    assert found == expected
    assert all(wait.reason is None for wait in waits)


def test_a_file_that_imports_bare_metal_can_hold_a_refresh_function(tmp_path: Path) -> None:
    bare = HEAD.replace("import (", 'import (\n    bms "example.org/sdk/bms/v2/servers"')
    stop = (
        "func f(id string) {\n    servers.Stop(ctx, c, id)\n    until(id, nil, "
        '[]string{"SHUTOFF"})\n}\n'
    )
    head, _, _ = HEAD.partition("var actions")
    scan = scanned(tmp_path, a__go=bare + stop, b__go=head + stop)
    assert [(w.file, w.operations) for w in scan.waits] == [("b.go", ("stop",))]


def test_a_go_loop_that_lasts_as_long_as_a_status_shows_has_no_target(tmp_path: Path) -> None:
    loop = """
    func f(id string) {
        servers.Stop(ctx, c, id)
        for {
            s, _ := servers.Get(ctx, c, id).Extract()
            if s.Status != "ACTIVE" {
                break
            }
            time.Sleep(time.Second)
        }
    }
    """
    (wait,) = scanned(tmp_path, a__go=HEAD + textwrap.dedent(loop)).waits
    assert (wait.operations, wait.pending, wait.target) == (("stop",), ("ACTIVE",), ())
