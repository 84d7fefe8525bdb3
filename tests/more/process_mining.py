"""Token-based replay and alignments of pm4py beside `replay`, on one log and one Petri net.

`python -m tests.more.process_mining PYTHON` writes what it finds to process_mining.json; PYTHON is
that of an environment with pm4py, which is not one of the packages of the tests.

The net has a place for every position of the state graph, and a transition for every write, whose
label is the state that it enters. So a sequence of seen states is a trace. What alignments add
to a trace are the fewest moves of the net.
"""

from __future__ import annotations

import csv
import datetime
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from random import Random
from time import process_time
from typing import Any
from xml.sax.saxutils import quoteattr

from ecs_fsm import ECS
from ecs_fsm.core.graph import Position, reachable
from ecs_fsm.records.observations import Observation
from ecs_fsm.replay.explanation import Replay
from ecs_fsm.replay.follower import explain
from tests.replay.best_observer import walks
from tests.replay.truth import GOING_ON, Life, happened, in_common, polled

FILE = Path(__file__).with_name("process_mining.json")
SIDE = Path(__file__).with_name("pm4py_side.py")
SERVERS, SEED, EVERY = 1_000, 1, 60.0
LOGS = ("every state", "polled every 60 s")


def petri_net() -> str:
    """The lifecycle as PNML; a transition's id begins with its event."""
    graph = ECS.state_graph
    first = [(None, o.nodes, o.transition.trigger) for o in graph.leaving(None)]
    starts = [Position(nodes[0], nodes[1:]) for _, nodes, _ in first]
    found = reachable(starts, lambda here: [w.position for w in graph.writes(here)])
    place = {position: f"p{n}" for n, position in enumerate(found)}
    parts = [f'<place id="{name}"/>' for name in ("begin", "end", *place.values())]
    parts[0] = '<place id="begin"><initialMarking><text>1</text></initialMarking></place>'
    count = 0

    def move(source: str, target: str, event: str, label: str | None) -> None:
        nonlocal count
        count += 1
        name = quoteattr(f"{event}/{count}")
        hidden = '<toolspecific tool="ProM" version="6.4" activity="$invisible$"/>'
        text = hidden if label is None else f"<name><text>{label}</text></name>"
        parts.append(f"<transition id={name}>{text}</transition>")
        parts.append(f'<arc id="a{count}" source="{source}" target={name}/>')
        parts.append(f'<arc id="b{count}" source={name} target="{target}"/>')

    for start in starts:
        move("begin", place[start], ECS.creation.trigger, str(start.state))
    for here in found:
        for write in graph.writes(here):
            event = write.outcome.transition.trigger if write.outcome else ""
            label = str(write.position.state)
            unseen = write.outcome is not None and not write.outcome.nodes
            if not unseen or write.position != here:
                move(place[here], place[write.position], event, None if unseen else label)
        move(place[here], "end", "", None)
    return (
        '<?xml version="1.0"?><pnml><net id="n" type="http://www.pnml.org/version-2009/grammar/'
        f'pnmlcoremodel"><page id="g">{"".join(parts)}</page><finalmarkings><marking>'
        '<place idref="end"><text>1</text></place></marking></finalmarkings></net></pnml>'
    )


def figure(lives: Sequence[Life], named: Sequence[Iterable[str]]) -> float:
    """F1 of the events that are named."""
    same = true = count = 0
    for life, names in zip(lives, named, strict=True):
        events, found = happened(life), [name for name in names if name and name not in GOING_ON]
        same += in_common(events, found)
        true, count = true + len(events), count + len(found)
    return round(2 * same / (true + count), 3)


def ours(logs: Sequence[Sequence[Observation]], *, sampled: bool) -> tuple[float, list[list[str]]]:
    """The seconds that `replay` takes and what it names."""
    begun = process_time()
    replay = Replay(ECS, sampled=sampled)
    named = [
        [
            ECS.creation.trigger,
            *(e for change in explain(replay, rows) for e in change.events or ()),
        ]
        for rows in logs
    ]
    return round(process_time() - begun, 2), named


def found(python: str) -> dict[str, Any]:
    """Compare on both logs."""
    chance = Random(SEED)  # noqa: S311  # phases
    lives = [walk.life for walk in walks(ECS, SERVERS, SEED)]
    complete = [
        [Observation(e.state.as_dict(), e.state, None, time=e.time) for e in life] for life in lives
    ]
    seen = [polled(life, EVERY, chance.random() * EVERY, status=False) for life in lives]
    answer: dict[str, Any] = {"date": datetime.date.today().isoformat(), "servers": SERVERS}
    for title, logs in zip(LOGS, (complete, seen), strict=True):
        with tempfile.TemporaryDirectory() as directory:
            log, net = Path(directory, "log.csv"), Path(directory, "net.pnml")
            net.write_text(petri_net(), encoding="utf-8")
            with log.open("w", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(("server", "time", "state"))
                rows = 0
                for number, server in enumerate(logs):
                    for state, several in groupby(server, lambda row: row.state):
                        writer.writerow((f"s{number}", 1.7e9 + (next(several).time or 0), state))
                        rows += 1
            command = [python, str(SIDE), str(log), str(net)]
            theirs = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
        by_name = theirs.pop("named")
        aligned = [
            [word.partition("/")[0] for word in by_name[f"s{n}"] if word != ">>"]
            for n in range(SERVERS)
        ]
        seconds, named = ours(logs, sampled=logs is seen)
        theirs["alignments"]["F1 of the events"] = figure(lives, aligned)
        answer["pm4py"] = theirs.pop("pm4py")
        answer[title] = {
            "rows": rows,
            "replay": {"seconds": seconds, "F1 of the events": figure(lives, named)},
            **theirs,
        }
    return answer


if __name__ == "__main__":
    FILE.write_text(json.dumps(found(sys.argv[1]), indent=1) + "\n", encoding="utf-8")
