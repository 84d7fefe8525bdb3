"""What the server was told at its start, beside the cloud that it serves."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True)
class Settings:
    """How the server listens and what it allows; times are real seconds.

    `host` and `port` are what was asked for, `port` 0 any free one.
    """

    host: str = "127.0.0.1"
    port: int = 8774
    token_lifetime: float = 3600

    @property
    def loopback(self) -> bool:
        """Whether only programs of this machine reach the server."""
        if self.host == LOCAL_NAMES[0]:
            return True
        try:
            return ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False
