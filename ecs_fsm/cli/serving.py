"""The command `serve`: an emulated cloud for real clients."""

from __future__ import annotations

import math

import click

from ecs_fsm.cli.options import choosing, servers
from ecs_fsm.io.console import visible

DEFAULT_PORT = 8774
DEFAULT_HOST = "127.0.0.1"
LONGEST = 100 * 365 * 86400.0
"""Seconds of a setting or a token."""


class FiniteRange(click.FloatRange):
    """A range of numbers; `nan`, which compares to nothing, is outside."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number, or fail."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value} is not a number", param, ctx)
        return number


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
    "--allow-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A further name, with a dot, by which clients reach the server. Repeatable.",
)
@click.option(
    "--speed",
    type=FiniteRange(0, 1e6),
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
    "--catalog",
    metavar="FILE",
    help="Own flavors, images, networks, zones, hosts, quotas, regions, projects or users.",
)
@click.option(
    "--fault",
    "faults",
    metavar="FAULT",
    multiple=True,
    help="OPERATION:OUTCOME@STEP[#N][*TIMES][%PERCENT][ on NAMES], volume:… of volumes, or "
    'wire:OUTCOME[=SECONDS][="MESSAGE"][@REQUEST][#N][*TIMES][%PERCENT].',
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
@click.option("--quiet", is_flag=True, help="Log warnings and errors only, not each request.")
def serve(
    port: int,
    host: str,
    allowed_hosts: tuple[str, ...],
    speed: float,
    seed: int | None,
    profile: str | None,
    state: str | None,
    record: str | None,
    catalog: str | None,
    faults: tuple[str, ...],
    settings: tuple[str, ...],
    token_lifetime: str,
    quiet: bool,
) -> int:
    """Serve an emulated cloud to openstacksdk, Terraform and others.

    One port serves identity, compute, images, networks and volumes of OpenStack, and the
    cloudservers of Huawei's cloud. Servers follow the lifecycle and fail as you order with
    --fault. Open the address in a browser to watch and control them.

    \b
    Examples:
      ecs-fsm serve
      ecs-fsm serve --speed 0 --fault 'resize:roll_back@resize_prep#3 on web-*'
      ecs-fsm serve --lifecycle nova --state cloud.db --fault 'wire:close_after@create_server*1'
    """
    from random import SystemRandom

    from ecs_fsm.core.errors import InvalidInput, require
    from ecs_fsm.lifecycles.registry import option_of

    require("starlette", "uvicorn", "httptools", extra="serve")
    from ecs_fsm.serve.cloud.store import StateLost
    from ecs_fsm.serve.http.listen import Settings, serve_until_signal, url_of
    from ecs_fsm.serve.service import Options, begun, check_servable, to_paste

    lifecycle = servers().lifecycle
    check_servable(lifecycle)
    policy: dict[str, float] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise InvalidInput(f"--set {setting}: expected NAME=TIME, such as {name}=1h")
        policy[name] = _duration(f"--set {name}", value)
    number = SystemRandom().randrange(10**6) if seed is None else seed
    lifetime = _duration("--token-lifetime", token_lifetime)
    bind = Settings(host, port, lifetime, allowed_hosts)
    options = Options(
        option_of(lifecycle), speed, number, profile, state, record, faults, policy, catalog
    )
    try:
        with begun(options, bind) as (service, bound):
            if not bind.loopback:
                warning = f"{host} is open to other machines, and passwords are not checked"
                if not allowed_hosts:
                    warning += (
                        "; without --allow-host, a web page whose name leads to this machine can "
                        "read and change everything"
                    )
                click.echo(f"ecs-fsm: {visible(warning)}", err=True)
            paste = to_paste(service.cloud, url_of(bound))
            serve_until_signal(service.app, bound, lambda: click.echo(paste), quiet=quiet)
    except StateLost as lost:
        click.echo(f"ecs-fsm: {visible(str(lost))}", err=True)
        return 1
    return 0


def _duration(option: str, text: str) -> float:
    """Return the seconds of a text. Raise `InvalidInput` for those above a century."""
    from ecs_fsm.core.errors import InvalidInput
    from ecs_fsm.profiles.durations import seconds

    found = seconds(_number(text))
    if found > LONGEST:
        raise InvalidInput(f"{option}: {text} is above the limit of {LONGEST:g} seconds")
    return found


def _number(text: str) -> str | float:
    try:
        return float(text)
    except ValueError:
        return text
