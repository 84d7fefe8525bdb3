"""Callers and their tokens: any user and password log in, and `admin` is an administrator.

Ids of users and projects are derived from their names, so that a restart keeps them; a project
given by id keeps that id. Tokens live in real time, as clients do.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4, uuid5

ADMIN = "admin"
REGION = "RegionOne"
NAMESPACE = UUID("6f1c1f0e-6a4b-4c58-9d0a-0f0a6d1f8774")
MOST_TOKENS = 10_000
LATEST = 253_402_300_799.0
"""The last second that a date can have, since 1970."""
MOST_NAMES = 10_000


def identifier(kind: str, name: str) -> str:
    """Return the id of a user or project (the `kind`) by its name: 32 hexadecimal digits."""
    return uuid5(NAMESPACE, f"{kind}:{name}").hex


OWNER = identifier("project", ADMIN)
"""The project that owns what exists from the start."""


@dataclass(frozen=True, slots=True)
class Caller:
    """The user and project of a request; without a project if the token is not scoped to one."""

    user_id: str
    user_name: str
    project_id: str | None = None
    project_name: str | None = None

    @property
    def admin(self) -> bool:
        """Whether the caller is an administrator."""
        return self.user_name == ADMIN


@dataclass(frozen=True, slots=True)
class Token:
    """A token, valid from `issued` to `expires`, in seconds since 1970."""

    id: str
    caller: Caller
    issued: float
    expires: float
    methods: tuple[str, ...]
    audit_id: str
    shown: tuple[float, float]
    """When it was issued and expires, as answers show it: in simulated time.

    A token never looks expired to a client whose real clock is ahead of the simulated one.
    """
    scope: str | None = None
    """`project`, `domain` or `system`; None for an unscoped one."""


class Names:
    """Known names by id; beyond `MOST_NAMES`, the oldest are forgotten."""

    def __init__(self, kind: str, *known: str) -> None:
        self.kind = kind
        self.by_id: OrderedDict[str, str] = OrderedDict()
        for name in known:
            self.named(name)

    def named(self, name: str) -> tuple[str, str]:
        """Return the id and the name."""
        return self._keep(identifier(self.kind, name), name)

    def of_id(self, given: str) -> tuple[str, str]:
        """Return the id, and the known name or the id again."""
        return self._keep(given, self.by_id.get(given, given))

    def _keep(self, known: str, name: str) -> tuple[str, str]:
        self.by_id[known] = name
        if len(self.by_id) > MOST_NAMES:
            self.by_id.popitem(last=False)
        return known, name


class Access:
    """The valid tokens, and the known users and projects; `clock` gives seconds since 1970."""

    def __init__(
        self, lifetime: float, clock: Callable[[], float], shown: Callable[[], float] | None = None
    ) -> None:
        self.lifetime = lifetime
        self.clock = clock
        self.shown = shown or clock
        self.users = Names("user", ADMIN)
        self.projects = Names("project", ADMIN)
        self._tokens: OrderedDict[str, Token] = OrderedDict()

    def issue(self, caller: Caller, methods: tuple[str, ...], scope: str | None) -> Token:
        """Return a new token; beyond `MOST_TOKENS`, the oldest is revoked."""
        now = self.clock()
        token = Token(
            id=uuid4().hex + uuid4().hex,
            caller=caller,
            issued=now,
            expires=now + self.lifetime,
            methods=methods,
            audit_id=uuid4().hex[:22],
            shown=(self.shown(), min(max(now, self.shown()) + self.lifetime, LATEST)),
            scope=scope,
        )
        self._tokens[token.id] = token
        while len(self._tokens) > MOST_TOKENS:
            self._tokens.popitem(last=False)
        return token

    def find(self, token_id: str | None) -> Token | None:
        """Return the token of that id, None for an expired or unknown one."""
        token = self._tokens.get(token_id) if token_id else None
        if token is not None and self.clock() >= token.expires:
            del self._tokens[token.id]
            return None
        return token

    def revoke(self, token_id: str) -> None:
        """Revoke a token."""
        self._tokens.pop(token_id, None)
