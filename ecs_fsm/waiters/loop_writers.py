"""A waiter written out as a complete loop for an ecosystem, ready to paste.

Each loop has a time limit, an interval, a branch for failure and one for 404, a comment on what it
cannot see, and the comment by which `check` knows its operation and starts when it scans it.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Sequence
from typing import NamedTuple

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.model import NO_TASK
from ecs_fsm.waiters.inference import described, everywhere
from ecs_fsm.waiters.judge import BOTH, GONE, STATUS, TASK_STATE, find_attribute
from ecs_fsm.waiters.waiter import Waiter

SECONDS, INTERVAL = 600, 5
"""The time limit, and the pause between polls."""
TRIES = SECONDS // INTERVAL
MISSING = "MISSING"
"""What a refresh function of Terraform makes of a 404."""
WIDTH = 92


class Loop(NamedTuple):
    """What the writers need to know of a waiter."""

    waiter: Waiter
    name: str
    kind: str
    """The attribute by the names of the compute API."""

    @property
    def target(self) -> list[str]:
        """The values that mean success, without the 404."""
        return [value for value in self.waiter.target if value != GONE]

    @property
    def unseen(self) -> tuple[str, ...]:
        """A value that is not seen: without a pending one, Terraform goes on at every value."""
        waiter = self.waiter
        listed = {value for values in waiter.lists.values() for value in values}
        return tuple(value for value in waiter.polls.values if value not in listed)[:1]

    @property
    def gone(self) -> bool:
        """Whether a 404 means success."""
        return GONE in self.waiter.target

    @property
    def directive(self) -> str:
        """The comment for a scan."""
        waiter = self.waiter
        start = "" if everywhere(waiter) else f" from={','.join(waiter.from_)}"
        return f"ecs-fsm: operation={waiter.operation}{start} lifecycle={waiter.lifecycle.name}"

    def blind(self, mark: str, indent: str = "") -> str:
        """Return what the loop cannot see as lines of a comment."""
        said = [finding.sentence for finding in self.waiter.findings()] + [*self.waiter.notes()]
        lines = [
            line
            for sentence in said or ["nothing is known that it cannot see"]
            for line in textwrap.wrap(
                f"- {sentence}", WIDTH, subsequent_indent="  ", break_on_hyphens=False
            )
        ]
        return "".join(f"{indent}{mark} {line}\n" for line in ["What it cannot see:", *lines])


def write(waiters: Sequence[Waiter], form: str) -> str:
    """Return the waiters as loops of a form. Raise `InvalidInput` if no client polls them."""
    if form == "toml":
        return "\n\n".join("\n".join(described(waiter)) for waiter in waiters) + "\n"
    lifecycle = waiters[0].lifecycle
    if lifecycle.table.one_word:
        raise InvalidInput(
            f"no loops in {form} for {lifecycle.name}: expected toml, or a lifecycle with "
            f"vm_state and task_state, such as nova"
        )
    head, body = WRITERS[form]
    names = [waiter.name.replace(" ", "_") for waiter in waiters]
    loops = [
        Loop(waiter, name, find_attribute(lifecycle, waiter.attribute).kind)
        for waiter, name in zip(waiters, names, strict=True)
    ]
    return head + "\n".join(map(body, loops))


PYTHON_HEAD = """\
import time

import openstack

"""


def _python(loop: Loop) -> str:
    values = {
        STATUS: "server.status",
        TASK_STATE: f'server.task_state or "{NO_TASK}"',
        BOTH: f"f\"{{server.status}}/{{server.task_state or '{NO_TASK}'}}\"",
    }
    operation = loop.waiter.operation
    missing = "return None" if loop.gone else 'raise RuntimeError("the server is gone") from None'
    ends = _python_tests(loop)
    return f'''
def wait_for_{loop.name}(conn, server_id, timeout={SECONDS}, interval={INTERVAL}):
    """Wait until {operation} has ended. Raise RuntimeError if it failed."""
{loop.blind("#", "    ")}    deadline = time.monotonic() + timeout
    # {loop.directive}
    while time.monotonic() < deadline:
        try:
            server = conn.compute.get_server(server_id)
        except openstack.exceptions.NotFoundException:
            {missing}
        value = {values.get(loop.kind, "server.vm_state")}
{ends}        time.sleep(interval)
    raise TimeoutError(f"{operation} of {{server_id}} has not ended after {{timeout}} s")
'''


def _python_tests(loop: Loop) -> str:
    tests = ""
    if loop.target:
        tests += f"        if value in {_tuple(loop.target)}:\n            return server\n"
    if loop.waiter.failure:
        tests += f"        if value in {_tuple(loop.waiter.failure)}:\n"
        tests += (
            f'            raise RuntimeError(f"{loop.waiter.operation} failed: '
            f'{{value}}, {{server.fault}}")\n'
        )
    return tests


def _tuple(values: Sequence[str]) -> str:
    return f"({', '.join(map(json.dumps, values))},)"


GO_HEAD = """\
package wait

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
)
"""
GO_VALUES = {
    STATUS: "server.Status",
    TASK_STATE: "server.TaskState",
    BOTH: 'server.Status + "/" + server.TaskState',
}


def _go(loop: Loop) -> str:
    name, operation = _camel(loop.name), loop.waiter.operation
    missing = "true, nil" if loop.gone else 'false, fmt.Errorf("server %s is gone", id)'
    tests = ""
    if loop.target:
        tests += f"\t\tcase {_go_texts(loop, loop.target)}:\n\t\t\treturn true, nil\n"
    if loop.waiter.failure:
        tests += f"\t\tcase {_go_texts(loop, loop.waiter.failure)}:\n"
        tests += f'\t\t\treturn false, fmt.Errorf("{operation} of %s failed: %s", id, value)\n'
    return f"""
// WaitFor{name} waits until {operation} has ended, and returns an error if it failed.
//
{loop.blind("//")}func WaitFor{name}(
	ctx context.Context, client *gophercloud.ServiceClient, id string,
) error {{
	ctx, cancel := context.WithTimeout(ctx, {SECONDS}*time.Second)
	defer cancel()
	// It polls every second.
	// {loop.directive}
	return gophercloud.WaitFor(ctx, func(ctx context.Context) (bool, error) {{
		server, err := servers.Get(ctx, client, id).Extract()
		if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {{
			return {missing}
		}}
		if err != nil {{
			return false, err
		}}
		value := {GO_VALUES.get(loop.kind, "server.VmState")}
		switch value {{
{tests}		}}
		return false, nil
	}})
}}
"""


def _go_texts(loop: Loop, values: Sequence[str]) -> str:
    """Return values as Go texts; a null task_state is an empty one."""
    tasks = loop.kind in (TASK_STATE, BOTH)
    shown = (value.removesuffix(NO_TASK) if tasks else value for value in values)
    return ", ".join(map(json.dumps, shown))


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))


TERRAFORM_HEAD = """\
package provider

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/gophercloud/gophercloud/v2"
	"github.com/gophercloud/gophercloud/v2/openstack/compute/v2/servers"
	"github.com/hashicorp/terraform-plugin-sdk/v2/helper/retry"
)
"""


def _terraform(loop: Loop) -> str:
    name, operation = _camel(loop.name), loop.waiter.operation
    missing = f'struct{{}}{{}}, "{MISSING}", nil' if loop.gone else 'nil, "", err'
    target = [*loop.target, *([MISSING] if loop.gone else [])]
    lists = "".join(
        f"\t\t{key} []string{{{_go_texts(loop, values)}}},\n"
        for key, values in (("Pending:", loop.waiter.pending or loop.unseen), ("Target: ", target))
    )
    return f"""
// waitFor{name} waits until {operation} has ended. A value that is not listed is a failure.
//
{loop.blind("//")}func waitFor{name}(
	ctx context.Context, client *gophercloud.ServiceClient, id string,
) error {{
	// {loop.directive}
	conf := &retry.StateChangeConf{{
{lists}		Refresh: func() (any, string, error) {{
			server, err := servers.Get(ctx, client, id).Extract()
			if gophercloud.ResponseCodeIs(err, http.StatusNotFound) {{
				return {missing}
			}}
			if err != nil {{
				return nil, "", err
			}}
			return server, {GO_VALUES.get(loop.kind, "server.VmState")}, nil
		}},
		Timeout:    {SECONDS} * time.Second,
		MinTimeout: {INTERVAL} * time.Second,
	}}
	if _, err := conf.WaitForStateContext(ctx); err != nil {{
		return fmt.Errorf("{operation} of %s failed: %w", id, err)
	}}
	return nil
}}
"""


def _ansible(loop: Loop) -> str:
    one = "found.servers[0]"
    task = f"({one}.task_state or '{NO_TASK}')"
    values = {STATUS: f"{one}.status", TASK_STATE: task, BOTH: f"({one}.status ~ '/' ~ {task})"}
    value = values.get(loop.kind, f"{one}.vm_state")
    ends = [*loop.target, *loop.waiter.failure]
    missing = "found.servers | length == 0"
    failed = [] if loop.gone else [missing]
    failed += [f"{value} in {_list(loop.waiter.failure)}"] if loop.waiter.failure else []
    until = [missing] + ([f"{value} in {_list(ends)}"] if ends else [])
    return f"""
{loop.blind("#")}# {loop.directive}
- name: Wait until {loop.waiter.operation} has ended
  openstack.cloud.server_info:
    name: "{{{{ server }}}}"
  register: found
  retries: {TRIES}
  delay: {INTERVAL}
  until: >-
    {" or ".join(until)}
  failed_when: >-
    {" or ".join(failed) or "found is failed"}
"""


def _list(values: Sequence[str]) -> str:
    return "[" + ", ".join(f"'{value}'" for value in values) + "]"


BASH_HEAD = """\
#!/usr/bin/env bash
"""


def _bash(loop: Loop) -> str:
    name, operation = loop.name, loop.waiter.operation
    columns = {
        STATUS: "-c status",
        TASK_STATE: "-c OS-EXT-STS:task_state",
        BOTH: "-c OS-EXT-STS:task_state -c status",
    }
    column = columns.get(loop.kind, "-c OS-EXT-STS:vm_state")
    failed = f'echo "{operation} of $1 failed: $value" >&2; return 1'
    cases = [("*[Nn]o\\ [Ss]erver*", "return 0" if loop.gone else failed)]
    cases += [(_words(loop, loop.target), "return 0")] if loop.target else []
    cases += [(_words(loop, loop.waiter.failure), failed)] if loop.waiter.failure else []
    # Two columns are two lines, the task first.
    several = "value=${value/$'\\n'//}\n    " if loop.kind == BOTH else ""
    branches = "\n      ".join(f"{words}) {does} ;;" for words, does in cases)
    return f"""
# wait_for_{name} SERVER [SECONDS] waits until {operation} has ended; it returns 1 if it failed.
#
{loop.blind("#")}wait_for_{name}() {{
  local deadline=$((SECONDS + ${{2:-{SECONDS}}})) value
  # {loop.directive}
  while [ "$SECONDS" -lt "$deadline" ]; do
    value=$(openstack server show "$1" -f value {column} 2>&1)
    {several}case "$value" in
      {branches}
    esac
    sleep {INTERVAL}
  done
  echo "{operation} of $1 has not ended in time" >&2
  return 1
}}
"""


def _words(loop: Loop, values: Sequence[str]) -> str:
    """Return values as patterns of `case`: the command prints None for a null task_state."""

    def word(value: str) -> str:
        if loop.kind == BOTH:
            status, _, task = value.partition("/")
            return f"{'None' if task == NO_TASK else task}/{status}"
        return "None" if loop.kind == TASK_STATE and value == NO_TASK else value

    return " | ".join(map(word, values))


WRITERS: dict[str, tuple[str, Callable[[Loop], str]]] = {
    "python": (PYTHON_HEAD, _python),
    "go": (GO_HEAD, _go),
    "terraform": (TERRAFORM_HEAD, _terraform),
    "ansible": ("---\n", _ansible),
    "bash": (BASH_HEAD, _bash),
}
"""By form, what begins the text, and what writes one loop."""
FORMS = (*WRITERS, "toml")
