"""What the answers to actions say, by the names that `actions.toml` uses.

Most actions are answered by their code alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from uuid import NAMESPACE_OID, uuid5

from ecs_fsm.serve.cloud.imagestore import BACKUP, ImageRequest
from ecs_fsm.serve.cloud.instance import Instance
from ecs_fsm.serve.compute import arguments as asked_for
from ecs_fsm.serve.compute.arguments import Argument
from ecs_fsm.serve.compute.asking import Asking
from ecs_fsm.serve.compute.creating import password
from ecs_fsm.serve.compute.shapes import View
from ecs_fsm.serve.image.images import images_of


class Result(NamedTuple):
    """A body, if there is one, and where something new is found."""

    body: object = None
    location: str | None = None


Resulting = Callable[[Asking, Instance, Argument], Result]
RESULTS: dict[str, Resulting] = {}


def named(function: Resulting) -> Resulting:
    """Has the table find a function by its name."""
    RESULTS[function.__name__] = function
    return function


@named
def rebuilt(asking: Asking, instance: Instance, argument: Argument) -> Result:
    """The server as it is now, with its password."""
    assert isinstance(argument, asked_for.Rebuild)  # noqa: S101 -- the table says so
    shown = asking.compute.shapes.server(instance, asking.look(View.CHANGED))
    shown.pop("OS-EXT-SRV-ATTR:user_data", None)  # a rebuild tells it by its short name
    shown["adminPass"] = argument.adminPass or _password(asking)
    if asking.minor >= 54:
        shown["key_name"] = instance.details.get("key_name")
    if asking.minor >= 57:
        shown["user_data"] = instance.details.get("user_data")
    return Result({"server": shown}, f"{asking.root}/servers/{instance.id}")


def _password(asking: Asking) -> str:
    return password(asking.asker("").request_id)


@named
def new_password(asking: Asking, instance: Instance, argument: Argument) -> Result:
    """The password that was given, or a new one."""
    given = getattr(argument, "adminPass", None)
    return Result({"adminPass": given or _password(asking)})


@named
def new_password_first(asking: Asking, instance: Instance, argument: Argument) -> Result:
    """The same below 2.14, nothing from there on."""
    return new_password(asking, instance, argument) if asking.minor < 14 else Result()


@named
def image(asking: Asking, instance: Instance, argument: Argument) -> Result:
    """The id of the image that is being made, below 2.45 as a place."""
    assert isinstance(argument, asked_for.CreateImage)  # noqa: S101 -- the table says so
    operations, asker = asking.compute.words.operations, asking.asker("")
    properties, rotation, operation = {"image_type": "snapshot"}, None, operations.create_image
    if isinstance(argument, asked_for.CreateBackup):
        properties = {"image_type": "backup", BACKUP: argument.backup_type}
        rotation, operation = argument.rotation, operations.backup
    properties = {**properties, **(argument.metadata or {})}
    store = images_of(asking.request)
    wanted = ImageRequest(operation, argument.name, properties, rotation)
    made = store.make(instance, wanted, asker)
    if asking.minor >= 45:
        return Result({"image_id": made})
    return Result(location=f"{asking.base}/image/v2/images/{made}")


@named
def console_url(asking: Asking, instance: Instance, argument: Argument) -> Result:
    """Where a console would be found; nothing listens there."""
    assert isinstance(argument, asked_for.Console)  # noqa: S101 -- the table says so
    return Result({"console": {"type": argument.type, "url": url_of_console(asking, instance)}})


def url_of_console(asking: Asking, instance: Instance) -> str:
    """The URL of a console, of one use."""
    token = uuid5(NAMESPACE_OID, f"{asking.asker('').request_id}/{instance.id}")
    return f"{asking.base}/vnc_auto.html?path=%3Ftoken%3D{token}"


@named
def console(asking: Asking, instance: Instance, argument: Argument) -> Result:
    """What the server wrote since it began: its states, one a line."""
    assert isinstance(argument, asked_for.ConsoleOutput)  # noqa: S101 -- the table says so
    lines = [f"[{seen.at - instance.created:12.6f}] {seen.state}" for seen in instance.history]
    length = argument.length
    last = lines if length in (None, -1) else lines[len(lines) - min(length or 0, len(lines)) :]
    return Result({"output": "\n".join(last)})
