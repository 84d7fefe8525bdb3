"""PRISM's language: the continuous-time Markov chain of a lifecycle and a profile.

The chain is `ecs_fsm.profiles.process`. A sojourn leaves its state with the rate 1/mean, so times
that are not exponential keep their mean only, and a comment says so. What takes no time cannot have
a rate: it has the rate 1, and no reward in `seconds`. Labels and rewards are what the questions of
`ecs-fsm fleet exact` need. See https://www.prismmodelchecker.org/manual/ThePRISMLanguage.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ecs_fsm.profiles.durations import Family
from ecs_fsm.profiles.process import (
    FINAL,
    Activity,
    ChainState,
    Sojourn,
    error_states,
    process,
)
from ecs_fsm.profiles.profile import Profile

ACTIVITIES = {
    "working": (Activity.WORKS,),
    "rest": (Activity.RESTS, Activity.ENDS),
    "hanging": (Activity.HANGS, Activity.LOST),
    "ended": FINAL,
}
"""Labels, and what is done in the states that have them."""


def text(profile: Profile) -> str:
    """Return the model; variable `s` numbers the states of the chain."""
    sojourns = list(process(profile).values())
    numbers = {sojourn.at: number for number, sojourn in enumerate(sojourns)}
    lines = [*_introduction(profile, sojourns), "ctmc", "", "module life"]
    lines += [f"  s : [0..{len(sojourns) - 1}] init 0;"]
    for sojourn in sojourns:
        lines += _commands(sojourn, numbers)
    lines += [
        "endmodule",
        "",
        *_rewards(sojourns, numbers),
        "",
        *_labels(profile, sojourns, numbers),
    ]
    return "\n".join([*lines, ""])


def _introduction(profile: Profile, sojourns: Iterable[Sojourn]) -> Iterator[str]:
    yield f"// The lifecycle {profile.lifecycle.name} with a profile; times are in seconds."
    shaped = [s for s in sojourns if s.time.mean and s.time.family is not Family.EXPONENTIAL]
    if shaped:
        yield "// Not exponential in the profile, by their mean here (probabilities and mean times"
        yield "// stay right, what depends on time does not):"
        yield from (f"//   {sojourn.at}: {sojourn.time.family}" for sojourn in shaped)
    yield "// What takes no time has the rate 1 and no reward in seconds."


def _commands(sojourn: Sojourn, numbers: Mapping[ChainState, int]) -> Iterator[str]:
    here = numbers[sojourn.at]
    yield f"  // {here}: {sojourn.at}"
    rates: dict[int, float] = {}
    for jump in sojourn.jumps:
        target = numbers[jump.target]
        rates[target] = rates.get(target, 0.0) + jump.probability
    mean = sojourn.time.mean or 1.0
    changes = (f"{chance / mean!r}:(s'={target})" for target, chance in rates.items())
    if rates:
        yield f"  [] s={here} -> {' + '.join(changes)};"


def _rewards(sojourns: Iterable[Sojourn], numbers: Mapping[ChainState, int]) -> Iterator[str]:
    timed = [numbers[s.at] for s in sojourns if s.time.mean]
    yield 'rewards "seconds"'
    yield from (f"  s={number} : 1;" for number in timed)
    yield "endrewards"


def _labels(
    profile: Profile, there: Sequence[Sojourn], numbers: Mapping[ChainState, int]
) -> Iterator[str]:
    ends = error_states(profile)
    for name, activities in ACTIVITIES.items():
        yield _label(name, [numbers[s.at] for s in there if s.activity in activities])
    failed = [numbers[s.at] for s in there if s.at.node and s.at.node.state in ends]
    yield _label("failed", failed)
    shown: dict[str, list[int]] = {}
    for sojourn in there:
        if sojourn.at.node is not None:
            status = str(sojourn.at.node.state.status)
            shown.setdefault(f"status_{_identifier(status)}", []).append(numbers[sojourn.at])
    for name, members in shown.items():
        yield _label(name, members)


def _label(name: str, numbers: Iterable[int]) -> str:
    return f'label "{name}" = {" | ".join(f"s={n}" for n in numbers) or "false"};'


def _identifier(word: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in word)
