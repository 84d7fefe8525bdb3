"""The command that serves a cloud to real clients."""

from __future__ import annotations

import click

from ecs_fsm.cli.options import choosing, servers
from ecs_fsm.io.console import visible

DEFAULT_PORT = 8774
DEFAULT_HOST = "127.0.0.1"


@click.command()
@choosing
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port; 0 for any free one, which is printed.",
)
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="The address to listen on; any other than this machine's own is open to others.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, 1e6),
    default=60.0,
    show_default=True,
    help="Simulated seconds in a real one; at 0 the clock moves only when it is told.",
)
@click.option("--seed", type=click.IntRange(0), help="Repeats a run; otherwise one is chosen.")
@click.option("--profile", metavar="FILE", help="How long steps take (otherwise the built-in one).")
@click.option("--state", metavar="FILE", help="Keep everything here, and go on from it.")
@click.option("--record", metavar="FILE", help="Write every change here, for ecs-fsm replay.")
@click.option(
    "--fault",
    "faults",
    metavar="FAULT",
    multiple=True,
    help="OPERATION:OUTCOME@STEP[#N][*TIMES][%PERCENT][ on NAMES], or "
    "wire:OUTCOME[@REQUEST][#N][*TIMES][%PERCENT].",
)
@click.option(
    "--set",
    "settings",
    metavar="NAME=TIME",
    multiple=True,
    help="A setting of the cloud, as nova names it: reclaim_instance_interval=1h.",
)
@click.option(
    "--token-lifetime", metavar="TIME", default="1h", show_default=True, help="In real time."
)
def serve(
    port: int,
    host: str,
    speed: float,
    seed: int | None,
    profile: str | None,
    state: str | None,
    record: str | None,
    faults: tuple[str, ...],
    settings: tuple[str, ...],
    token_lifetime: str,
) -> int:
    """Serve a cloud that openstacksdk, Terraform, the Huawei SDK and others drive.

    Identity, compute, images and networks of OpenStack and the cloudservers of Huawei's cloud stand
    behind one port; servers live by the lifecycle, and fail where somebody asked for it. Open the
    address in a browser to look.

    \b
    Examples:
      ecs-fsm serve
      ecs-fsm serve --speed 0 --fault 'resize:roll_back@resize_prep#3 on web-*'
      ecs-fsm serve --lifecycle nova --state cloud.db --fault 'wire:close_after@create_server*1'
    """
    from random import SystemRandom

    from ecs_fsm.core.errors import InvalidInput, require
    from ecs_fsm.profiles.durations import seconds

    # FastAPI, which brings starlette, is imported by the first service that a client uses.
    require("starlette", "uvicorn", "httptools", extra="serve")
    from ecs_fsm.serve.http.listen import Settings, serve_until_signal, url_of
    from ecs_fsm.serve.paste import to_paste
    from ecs_fsm.serve.service import Options, begun

    policy: dict[str, float] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput(f"--set {setting}: expected NAME=TIME, such as {name}=1h")
        policy[name] = seconds(_number(value))
    number = SystemRandom().randrange(10**6) if seed is None else seed
    lifetime = seconds(_number(token_lifetime))
    told = Settings(host=host, port=port, token_lifetime=lifetime)
    options = Options(
        servers().lifecycle.name, speed, number, profile, state, record, faults, policy
    )
    with begun(options, told) as (service, bound):
        if not told.loopback:
            warning = f"{host} is open to other machines, and nobody's password is checked"
            click.echo(f"ecs-fsm: {visible(warning)}", err=True)
        paste = to_paste(service.cloud, url_of(bound))
        serve_until_signal(service.app, bound, lambda: click.echo(paste))
    return 0


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
