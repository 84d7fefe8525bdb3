"""Servers on hosts once more, on SimPy: the rules in plain Python, with random numbers of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from random import Random

import simpy

from ecs_fsm.profiles.process import FINAL, Activity, ChainState, Sojourn, process
from ecs_fsm.profiles.profile import Profile
from ecs_fsm.profiles.profile_room import room_of

OFF_HOST = ("deleted/-", "shelved_offloaded/-", "shelved_offloaded/unshelving")
SHELVED = "shelved_offloaded/-"
MOVES = ("resize", "migrate", "live_migrate", "evacuate")


@dataclass
class Machine:
    """One server: its flavors and hosts, the first and perhaps a second one."""

    places: list[tuple[int, int]] = field(default_factory=list)
    lived: bool = False


class Judge:
    """A fleet on hosts; `asked` and `refused` count creations by flavor, and moves by operation."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self.profile, self.room = profile, room_of(profile)
        self.random = Random(seed)  # noqa: S311  # a simulation
        self.sojourns: Mapping[ChainState, Sojourn] = process(profile)
        self.env = simpy.Environment()
        sizes = [size for size in self.room.hosts.sizes if size is not None]
        self.free = [list(sizes) for _ in range(self.room.hosts.count)]
        self.back = [0.0] * len(self.free)
        self.asked: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def run(self, duration: float, warmup: float) -> Judge:
        """Simulate, and count what comes after the warm-up."""
        self.env.process(self._arrivals())
        if self.room.hosts.fails_every.mean < float("inf"):
            for host in range(len(self.free)):
                self.env.process(self._failures(host))
        self.env.run(warmup)
        self.asked.clear()
        self.refused.clear()
        self.env.run(warmup + duration)
        return self

    def _failures(self, host: int) -> Generator[simpy.Event, object, None]:
        hosts = self.room.hosts
        while True:
            yield self.env.timeout(hosts.fails_every.draw(self.random))
            down = hosts.down_for.draw(self.random)
            self.back[host] = self.env.now + down
            yield self.env.timeout(down)

    def _arrivals(self) -> Generator[simpy.Event, object, None]:
        while True:
            yield self.env.timeout(self.random.expovariate(1 / self.profile.arrivals.every))
            self.env.process(self._live())

    def _flavor(self, but: int | None = None) -> int:
        flavors = self.room.flavors
        shares = [0.0 if n == but else f.share for n, f in enumerate(flavors)]
        return self.random.choices(range(len(flavors)), shares)[0]

    def _take(self, name: str, flavor: int, but: int | None = None) -> int | None:
        """Take room on the host with the highest weight; count whether there is one."""
        self.asked[name] += 1
        sizes = self.room.flavors[flavor].sizes
        able = [
            h
            for h, free in enumerate(self.free)
            if h != but
            and self.back[h] <= self.env.now
            and all(f >= s for f, s in zip(free, sizes, strict=False))
        ]
        if not able:
            self.refused[name] += 1
            return None
        columns = list(zip(*(self.free[h] for h in able), strict=True))

        def weight(host: int) -> float:
            parts = zip(self.free[host], map(min, columns), map(max, columns), strict=True)
            return float(sum((v - low) / (high - low) for v, low, high in parts if high > low))

        best = (min if self.room.placement.pack else max)(able, key=weight)
        self._change(best, flavor, -1)
        return best

    def _change(self, host: int, flavor: int, sign: int) -> None:
        for n, size in enumerate(self.room.flavors[flavor].sizes[: len(self.free[host])]):
            self.free[host][n] += sign * size

    def _give_back(self, server: Machine, number: int) -> None:
        flavor, host = server.places.pop(number)
        self._change(host, flavor, 1)

    def _live(self) -> Generator[simpy.Event, object, None]:  # noqa: PLR0912  # a case for each rule
        at, server, flavor, doing = ChainState(None), Machine(), self._flavor(), ""
        answered = False
        while True:
            sojourn = self.sojourns[at]
            if sojourn.activity in FINAL:
                return
            yield self.env.timeout(sojourn.time.draw(self.random))
            if server.places and (later := self.back[server.places[0][1]] - self.env.now) > 0:
                yield self.env.timeout(later)
            jump = self.random.choices(sojourn.jumps, [j.probability for j in sojourn.jumps])[0]
            doing = jump.requested or doing
            if jump.requested in MOVES and server.places:
                other = (
                    self._flavor(server.places[0][0]) if doing == "resize" else server.places[0][0]
                )
                host = self._take(doing, other, server.places[0][1])
                if host is None:
                    continue
                server.places.append((other, host))
                answered = False
            state = str(jump.target.node and jump.target.node.state)
            if state in OFF_HOST:
                while server.places:
                    self._give_back(server, 0)
            elif not server.places and not state.startswith("error"):
                name = doing if server.lived else self.room.flavors[flavor].name
                host = self._take(name, flavor)
                if host is None and not server.lived:
                    return
                if host is None:
                    at = next(s for s in self.sojourns if s.node and s.node.state == SHELVED)
                    continue
                server.places, server.lived = [(flavor, host)], True
            if len(server.places) > 1:
                if state == "resized/-":
                    answered = True
                elif self.sojourns[jump.target].activity is not Activity.WORKS:
                    ended_well = jump.event in ("advance", "confirm_resize", "timer")
                    keeps_first = doing == "revert_resize" or not (ended_well or answered)
                    self._give_back(server, 1 if keeps_first else 0)
            if server.places:
                flavor = server.places[0][0]
            at = jump.target
