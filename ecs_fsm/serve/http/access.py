"""Callers and their tokens: any user and password log in, and `admin` is an administrator.

Ids of users and projects are derived from their names, so that a restart keeps them; a project
given by id keeps that id. Tokens live in real time, as clients do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from uuid import uuid4

from ecs_fsm.serve.cloud.resources import Resources, Shelf, identifier

ADMIN = "admin"
MOST_TOKENS = 10_000
LATEST = 253_402_300_799.0
"""The last second that a date can have, since 1970."""
MOST_NAMES = 10_000


@dataclass(frozen=True, slots=True)
class Caller:
    """The user and project of a request; without a project if the token is not scoped to one."""

    user_id: str
    user_name: str
    project_id: str | None = None
    project_name: str | None = None
    raised: bool = False
    """Whether a role makes the user an administrator."""

    @property
    def admin(self) -> bool:
        """Whether the caller is an administrator."""
        return self.raised or self.user_name == ADMIN


@dataclass(frozen=True, slots=True)
class Token:
    """A token, valid until `expires`, in seconds since 1970.

    Answers show when it was issued and expires in simulated time (`shown`), in which it never looks
    expired to a client whose real clock is ahead. The `scope` is `project`, `domain` or `system`,
    None for an unscoped one.
    """

    id: str
    caller: Caller
    expires: float
    methods: tuple[str, ...]
    audit_id: str
    shown: tuple[float, float]
    scope: str | None


class Names:
    """Users or projects, which exist as soon as a request names them.

    Beyond `MOST_NAMES`, the oldest of those that requests have named are forgotten.
    """

    def __init__(self, kind: str, shelf: Shelf, *known: str) -> None:
        self.kind, self._shelf = kind, shelf
        for name in known:
            self.named(name)

    def named(self, name: str) -> tuple[str, str]:
        """Return the id and the name."""
        found = self._shelf.by("name", name)
        return self._keep(found[0]["id"] if found else identifier(self.kind, name), name)

    def of_id(self, given: str) -> tuple[str, str]:
        """Return the id, and the known name or the id again."""
        found = self._shelf.get(given)
        return self._keep(given, found["name"] if found else given)

    def _keep(self, known: str, name: str) -> tuple[str, str]:
        if self._shelf.get(known) is None:
            implied = self._shelf.by("implied", True)
            if len(implied) >= MOST_NAMES:
                self._shelf.drop(implied[0]["id"])
            self._shelf.put({"id": known, "name": name, "implied": True})
        return known, name


class Access:
    """The valid tokens, and the known users and projects.

    `clock` gives seconds since 1970, `shown` those of the simulated time.
    """

    def __init__(
        self,
        lifetime: float,
        clock: Callable[[], float],
        shown: Callable[[], float],
        kept: Resources,
    ) -> None:
        self._lifetime, self._clock, self._shown = lifetime, clock, shown
        self._tokens: dict[str, Token] = {}
        self.follow(kept)

    def follow(self, kept: Resources) -> None:
        """Know the users and projects of these documents from now on."""
        self.users = Names("user", kept.of("users"), ADMIN)
        self.projects = Names("project", kept.of("projects"), ADMIN)

    def issue(self, caller: Caller, methods: tuple[str, ...], scope: str | None) -> Token:
        """Return a new token; beyond `MOST_TOKENS`, the oldest is revoked."""
        now, shown = self._clock(), min(self._shown(), LATEST)
        name, audit_id, end = uuid4().hex + uuid4().hex, uuid4().hex[:22], now + self._lifetime
        seen = shown, min(max(now, shown) + self._lifetime, LATEST)
        token = self._tokens[name] = Token(name, caller, end, methods, audit_id, seen, scope)
        while len(self._tokens) > MOST_TOKENS:
            self.revoke(next(iter(self._tokens)))
        return token

    def find(self, token_id: str | None) -> Token | None:
        """Return the token of that id, None for an expired or unknown one."""
        token = self._tokens.get(token_id) if token_id else None
        if token is not None and self._clock() >= token.expires:
            del self._tokens[token.id]
            return None
        return token

    def revoke(self, token_id: str) -> None:
        """Revoke a token."""
        self._tokens.pop(token_id, None)
