"""The command `serve`: an emulated cloud for real clients."""

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
    help="The port; 0 takes a free one and prints it.",
)
@click.option(
    "--host",
    default=DEFAULT_HOST,
    show_default=True,
    help="The address to listen on. Any but a loopback address lets other machines in.",
)
@click.option(
    "--speed",
    type=click.FloatRange(0, 1e6),
    default=60.0,
    show_default=True,
    help="Simulated seconds in a real one; at 0 the clock moves only on request.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    help="The seed of all random numbers. Default: a new one, which is printed.",
)
@click.option(
    "--profile", metavar="FILE", help="How long steps take. Default: the built-in profile."
)
@click.option(
    "--state",
    metavar="FILE",
    help="Keep the cloud in this file, and continue from it at the next start.",
)
@click.option(
    "--record", metavar="FILE", help="Write every change to this file, for ecs-fsm replay."
)
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
    help="A setting of Nova, such as reclaim_instance_interval=1h. Repeatable.",
)
@click.option(
    "--token-lifetime",
    metavar="TIME",
    default="1h",
    show_default=True,
    help="How long a token is valid, in real time.",
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
    """Serve an emulated cloud to openstacksdk, Terraform and others.

    One port serves identity, compute, images and networks of OpenStack, and the cloudservers of
    Huawei's cloud. Servers follow the lifecycle and fail as you order with --fault. Open the
    address in a browser to watch and control them.

    \b
    Examples:
      ecs-fsm serve
      ecs-fsm serve --speed 0 --fault 'resize:roll_back@resize_prep#3 on web-*'
      ecs-fsm serve --lifecycle nova --state cloud.db --fault 'wire:close_after@create_server*1'
    """
    from random import SystemRandom

    from ecs_fsm.core.errors import InvalidInput, require
    from ecs_fsm.lifecycles.registry import option_of
    from ecs_fsm.profiles.durations import seconds

    # FastAPI, which brings starlette, is imported by the first service that a client uses.
    require("starlette", "uvicorn", "httptools", extra="serve")
    from ecs_fsm.serve.http.listen import Settings, serve_until_signal, url_of
    from ecs_fsm.serve.paste import to_paste
    from ecs_fsm.serve.servable import check_servable
    from ecs_fsm.serve.service import Options, begun

    lifecycle = servers().lifecycle
    check_servable(lifecycle)
    policy: dict[str, float] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput(f"--set {setting}: expected NAME=TIME, such as {name}=1h")
        policy[name] = seconds(_number(value))
    number = SystemRandom().randrange(10**6) if seed is None else seed
    lifetime = seconds(_number(token_lifetime))
    bind = Settings(host=host, port=port, token_lifetime=lifetime)
    options = Options(option_of(lifecycle), speed, number, profile, state, record, faults, policy)
    with begun(options, bind) as (service, bound):
        if not bind.loopback:
            warning = f"{host} is open to other machines, and passwords are not checked"
            click.echo(f"ecs-fsm: {visible(warning)}", err=True)
        paste = to_paste(service.cloud, url_of(bound))
        serve_until_signal(service.app, bound, lambda: click.echo(paste))
    return 0


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
