"""Reads profiles from TOML; what does not read is an error that names file, line and key.

extends = "built-in"                    what this file does not say is as in the built-in one
[arrivals]       kind = "fixed", "poisson" (with every) or "none" (with state)
[durations]      a step (task_state, or VM/TASK) = "90s" or { distribution, mean, sd or shape }
[requests."VM/TASK"]  every = time, mix = { OPERATION = share, ... }
[stuck]          every = time, ask = [OPERATION, ...]: the first that a hung server accepts
[EVENT], [hang]  a step = probability that it ends so
[facts]          a fact = { VALUE = share, ... }
[replay]         an event, a kind of events or FACT=VALUE = weight of what no fleet does by itself
[resources.NAME] capacity, steps = [...], and hosts if there is one for each host
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ecs_fsm.core.errors import InvalidInput
from ecs_fsm.core.lifecycle import Lifecycle
from ecs_fsm.io.toml import TomlFile
from ecs_fsm.lifecycles.registry import option_of, side_file
from ecs_fsm.profiles.profile import Document, Profile
from ecs_fsm.profiles.profile_keys import with_form
from ecs_fsm.profiles.profile_validation import CheckedProfile

BUILT_IN = "built-in"
EXTENDS = "extends"
REPLAY = "replay"
EXPECTED = "expected a profile, such as `ecs-fsm fleet profile` prints"


def built_in_text(lifecycle: Lifecycle) -> str:
    """Return the text of the profile that comes with this lifecycle: in the package, or beside it.

    Raise `InvalidInput` if none does.
    """
    return _built_in_file(lifecycle).read_text(encoding="utf-8")


def _built_in_file(lifecycle: Lifecycle) -> Path:
    beside = side_file(lifecycle, "profile")
    if beside is not None:
        return beside
    own = Path(__file__).with_name(f"{lifecycle.name}.toml")
    if own.is_file() and option_of(lifecycle) == lifecycle.name:
        return own
    raise InvalidInput(
        f"no profile comes with the lifecycle {lifecycle.name}: `ecs-fsm fleet profile --template` "
        f"prints one to fill in, for --profile or for {lifecycle.name}.profile.toml beside it"
    )


def built_in(lifecycle: Lifecycle) -> Profile:
    """The profile that comes with this lifecycle."""
    file = _built_in_file(lifecycle)
    return parse(lifecycle, file.read_text(encoding="utf-8"), str(file))


def capacity_text(lifecycle: Lifecycle) -> str:
    """Return the text of the example of hosts and flavors that comes with a lifecycle.

    Raise `InvalidInput` if none does.
    """
    return _capacity_file(lifecycle).read_text(encoding="utf-8")


def _capacity_file(lifecycle: Lifecycle) -> Path:
    beside = side_file(lifecycle, "capacity")
    if beside is not None:
        return beside
    own = Path(__file__).with_name(f"{lifecycle.name}.capacity.toml")
    if own.is_file() and option_of(lifecycle) == lifecycle.name:
        return own
    raise InvalidInput(
        f"no example of hosts and flavors comes with the lifecycle {lifecycle.name}: add --profile "
        f"with [hosts] and [flavors]; `ecs-fsm fleet profile --capacity --lifecycle ecs` prints one"
    )


def capacity_example(lifecycle: Lifecycle) -> Profile:
    """The example of hosts and flavors that comes with this lifecycle."""
    file = _capacity_file(lifecycle)
    return parse(lifecycle, file.read_text(encoding="utf-8"), str(file))


def read(lifecycle: Lifecycle, path: str | None) -> Profile:
    """The profile of a file, the built-in one for None.

    Raises `InvalidInput` that names file, line and key for what is wrong.
    """
    if path is None:
        return built_in(lifecycle)
    return _profile(lifecycle, TomlFile.read(path, EXPECTED))


def parse(lifecycle: Lifecycle, text: str, path: str) -> Profile:
    """The profile of a text that stands in the file `path`."""
    return _profile(lifecycle, TomlFile(text, path, EXPECTED))


def _profile(lifecycle: Lifecycle, toml: TomlFile) -> Profile:
    def problem(key: Sequence[str], message: str) -> InvalidInput:
        shown = ".".join(f'"{part}"' if "/" in part else part for part in key)
        return toml.error(f"{shown or 'profile'}: {with_form(key, message)}", *key)

    document = dict(toml.content)
    if EXTENDS in document:
        if document.pop(EXTENDS) != BUILT_IN:
            raise problem((EXTENDS,), f'expected "{BUILT_IN}", or no such key')
        document = dict(_laid_over(tomllib.loads(built_in_text(lifecycle)), document))
    elif REPLAY not in document:
        with suppress(InvalidInput):  # weights are not about one fleet, and a profile may lack them
            document[REPLAY] = tomllib.loads(built_in_text(lifecycle)).get(REPLAY, {})
    return CheckedProfile(lifecycle, document, Path(toml.file).parent, problem).profile()


def changed(profile: Profile, changes: Sequence[str]) -> Profile:
    """The profile with changes such as `fail.spawning=0.05`.

    A change is TABLE.KEY=VALUE; the value is a number, a time word, or as TOML has it. Raises
    `InvalidInput` for one that does not read or does not fit.
    """
    document = profile.document
    for change in changes:
        where, equals, value = change.partition("=")
        keys = [part.strip().strip('"') for part in re.findall(r'"[^"]*"|[^.]+', where)]
        if not equals or len(keys) < 2 or not all(keys):
            raise InvalidInput(f"{change!r}: expected TABLE.KEY=VALUE, such as hang.STEP=0.01")
        over: dict[str, object] = {keys[-1]: _value(value.strip())}
        for key in reversed(keys[:-1]):
            over = {key: over}
        document = _laid_over(document, over)

    def problem(key: Sequence[str], message: str) -> InvalidInput:
        return InvalidInput(f"{', '.join(changes)}: {'.'.join(key)}: {with_form(key, message)}")

    return CheckedProfile(profile.lifecycle, document, Path(), problem).profile()


def _value(text: str) -> object:
    try:
        value: object = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value


def _laid_over(below: Document, above: Document) -> Document:
    """Two documents as one; a mix of shares is one value, which the upper one replaces."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        if isinstance(value, Mapping) and isinstance(under, Mapping) and key not in ONE_VALUE:
            merged[key] = _laid_over(under, value)
        else:
            merged[key] = value
    return merged


ONE_VALUE = ("mix", "arrivals")
"""Tables that are replaced as a whole."""
