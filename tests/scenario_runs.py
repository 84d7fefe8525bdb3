"""Runs a scenario from the arguments that `ecs-fsm simulate` takes."""

from ecs_fsm.core.lifecycle import BaseServer
from ecs_fsm.core.scenario import simulate


def run(server_class: type[BaseServer], arguments: list[str]) -> BaseServer:
    """The server at the end of a scenario in which nothing is refused."""
    lifecycle, words, start = server_class.lifecycle, arguments, None
    if "--from" in arguments:
        place = arguments.index("--from")
        words, (_, state, *remembered) = arguments[:place], arguments[place:]
        known = lifecycle.notation.facts(",".join(remembered[1::2])) if remembered else {}
        start = lifecycle.place(lifecycle.states[state], known)
    server, refused = simulate(server_class, words, start)
    assert refused is None
    return server
