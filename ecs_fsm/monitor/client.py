"""Requests to a cloud: openstacksdk logs in and finds the compute API, a plain GET asks it.

Nothing here changes anything in the cloud. The Date header of an answer is the cloud's clock.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple

from ecs_fsm.core.errors import InvalidInput, require

if TYPE_CHECKING:
    from keystoneauth1.adapter import Adapter
    from keystoneauth1.session import Session
    from openstack.connection import Connection
    from requests import Response

TIMEOUT = 60.0
"""Real seconds that an answer may take."""
FORBIDDEN, NOT_FOUND, UNAUTHORIZED = 403, 404, 401
_OF_SYSTEM = re.compile(r"\[Errno -?\d+\] ([\w ]+)")
"""What the system says of a connection, in the words of several libraries around it."""
LONGEST = 100
"""Characters of a cloud's words in a message."""
EXPECTED = "expected a cloud of clouds.yaml (--cloud NAME), or the variables OS_AUTH_URL and so on"


class Unanswered(Exception):
    """The cloud gave no answer, or an error; `after` are the seconds before it may be asked.

    `status` is that of HTTP, None without an answer.
    """

    def __init__(self, reason: str, status: int | None = None, after: float = 0.0) -> None:
        super().__init__(reason)
        self.status, self.after = status, after


class CloudAnswer(NamedTuple):
    """The body of an answer, and the cloud's time when it was given, in seconds since 1970."""

    body: bytes
    at: float


class CloudClient:
    """A login at a cloud; it is made at the first request, and again when the cloud forgets it."""

    def __init__(self, connection: Connection, local: Callable[[], float] = time.time) -> None:
        self._connection, self._local = connection, local
        self._adapter: Adapter | None = None
        session: Session = connection.session
        session.timeout = TIMEOUT

    @classmethod
    def of(cls, name: str | None) -> CloudClient:
        """Return the client of a cloud of clouds.yaml, without a name of the OS_ variables.

        Raise `InvalidInput` if there is no such cloud, or if it is not described well.
        """
        require("openstack", "msgspec", extra="watch")
        import openstack
        from keystoneauth1.exceptions import ClientException
        from openstack.exceptions import SDKException

        logging.getLogger("keystoneauth").setLevel(logging.CRITICAL)
        try:
            return cls(openstack.connect(cloud=name))
        except (SDKException, ClientException, ValueError, TypeError) as error:
            raise InvalidInput(
                f"cloud {name or 'of OS_ variables'}: {short(error)}; {EXPECTED}"
            ) from None

    def get(self, path: str, query: Mapping[str, str], minor: int = 1) -> CloudAnswer:
        """Ask the compute API at microversion 2.`minor`, or the newest before it that it has.

        Raise `Unanswered` without an answer, and for one that is an error.
        """
        from keystoneauth1.exceptions import ClientException, HttpError
        from openstack.exceptions import SDKException
        from requests import RequestException

        try:
            adapter = self._compute()
            answer = adapter.get(
                path,
                params=dict(query),
                headers={"Accept": "application/json"},
                microversion=f"2.{min(minor, self._newest)}",
                raise_exc=False,
            )
        except HttpError as error:
            self._forget()
            raise _refused(error.http_status, error.response, str(error)) from None
        except (ClientException, SDKException, RequestException, OSError) as error:
            self._forget()
            raise Unanswered(f"the cloud does not answer ({short(error)})") from None
        if answer.status_code != 200:
            if answer.status_code == UNAUTHORIZED:
                self._connection.session.invalidate()
            raise _refused(answer.status_code, answer, answer.reason or "")
        return CloudAnswer(answer.content, self._time(answer))

    def _compute(self) -> Adapter:
        """The compute API, found in the catalog; what raises here is asked again."""
        if self._adapter is None:
            adapter: Adapter = self._connection.config.get_session_client("compute")
            found = adapter.get_endpoint_data()
            if found is None:
                raise OSError("no compute API in the catalog")
            newest = found.max_microversion
            self._newest = newest[1] if newest and newest[0] == 2 else 1
            self._adapter = adapter
        return self._adapter

    def _forget(self) -> None:
        """Log in and look up the catalog again: the cloud may be another one now."""
        self._adapter = None
        self._connection.session.invalidate()

    def _time(self, answer: Response) -> float:
        try:
            return parsedate_to_datetime(answer.headers["Date"]).timestamp()
        except (KeyError, ValueError, TypeError, OverflowError):
            return self._local()


def _refused(status: int, answer: Response | None, words: str) -> Unanswered:
    after = answer.headers.get("Retry-After", "") if answer is not None else ""
    words = (answer.reason if answer is not None and answer.reason else words).strip()
    return Unanswered(f"the cloud answers {status} {words[:LONGEST]}".strip(), status, _wait(after))


def _wait(text: str) -> float:
    """The seconds of a Retry-After, which is a number or a date."""
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def short(error: Exception) -> str:
    """Return the words of an error in one line that is not long."""
    words = " ".join(str(error).split()) or type(error).__name__
    if of_system := _OF_SYSTEM.search(words):
        return of_system[1]
    while "Caused by" in words:
        words = words.split("Caused by", 1)[1].strip(" ()")
    return words if len(words) <= LONGEST else words[:LONGEST] + "…"
