"""Values that bodies of many requests about servers hold: names, truth values, tags, addresses."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool

from ecs_fsm.serve.http.errors import ApiError

MOST_ITEMS = 128
MOST_TAGS = 50


def not_blank(text: str) -> str:
    """The text, which says something. Raises `ValueError` for blanks and what does not print."""
    if not text.strip():
        raise ValueError("it is blank")
    if unprintable := next((c for c in text if not (c.isprintable() or c.isspace())), None):
        raise ValueError(f"a character in it does not print: {unprintable!a}")
    if any(c in text for c in "\r\n"):
        raise ValueError("it has more than one line")
    return text


def encoded(text: str) -> str:
    """The text, which is in base64. Raises `ValueError` for others."""
    b64decode(text)
    return text


def as_flag(value: object) -> object:
    """A truth value as old clients write it."""
    words = {"true": True, "1": True, "false": False, "0": False, "": False}
    return words.get(value.lower(), value) if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(not_blank)]
Flag = Annotated[StrictBool, BeforeValidator(as_flag)]
Text = Annotated[str, Field(max_length=255)]
Items = dict[Annotated[str, Field(min_length=1, max_length=255)], Text]
UserData = Annotated[str, Field(max_length=65535), AfterValidator(encoded)]
Tag = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[^,/]*$")]
Host = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[A-Za-z0-9]([\w.-]*\w)?$")]
Address4 = Annotated[str | None, AfterValidator(lambda text: text and str(IPv4Address(text)))]
Address6 = Annotated[str | None, AfterValidator(lambda text: text and str(IPv6Address(text)))]
Disk = Literal["AUTO", "MANUAL"]


def within_quota(metadata: Mapping[str, str]) -> None:
    """Raises 403 for more entries than a server can have."""
    if len(metadata) > MOST_ITEMS:
        raise ApiError(403, f"Maximum number of metadata items exceeds {MOST_ITEMS}")
