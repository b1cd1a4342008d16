"""Makes the ids, hashes and timestamps of the workspace in Slack's formats, reproducible from one seed."""

from __future__ import annotations

import hashlib
import string
from datetime import datetime

UPPER = string.ascii_uppercase + string.digits
ALNUM = string.ascii_letters + string.digits
BLOCK_ID = ALNUM + "+/="
HEX = "0123456789abcdef"


class Mint:
    """A counter and a seed. The same seed gives the same ids in the same order."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._count = 0

    def chars(self, alphabet: str, length: int) -> str:
        """Fresh characters from an alphabet; up to 48 of them."""
        self._count += 1
        digest = hashlib.sha384(f"{self._seed}:{self._count}".encode()).digest()
        return "".join(alphabet[byte % len(alphabet)] for byte in digest[:length])

    def id(self, prefix: str) -> str:
        """An id such as `D0QK27XM4PA`: the prefix, then upper-case letters and digits, 11 in all."""
        return prefix + self.chars(UPPER, 11 - len(prefix))

    def block_id(self) -> str:
        """What Slack gives a block or an element without an id of its own: base64 characters, `/` and `=` too."""
        return self.chars(BLOCK_ID, 5)

    def view_hash(self, now: datetime) -> str:
        return f"{int(now.timestamp())}.{self.chars(ALNUM, 8)}"

    def trigger_id(self, now: datetime) -> str:
        return f"{int(now.timestamp() * 1000):013d}.{self._team_number()}.{self.chars(HEX, 32)}"

    def _team_number(self) -> int:
        return int.from_bytes(hashlib.sha256(self._seed.encode()).digest()[:5], "big")

    def hook_path(self, kind: str, team_id: str) -> str:
        """The path of a response_url; `kind` is `commands`, `actions` or `app`."""
        return f"/{kind}/{team_id}/{self.chars(string.digits, 13)}/{self.chars(ALNUM, 24)}"

    def event_id(self) -> str:
        return "Ev" + self.chars(UPPER, 9)

    def client_msg_id(self) -> str:
        digits = self.chars(HEX, 32)
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def micros(moment: datetime) -> int:
    """Whole microseconds since 1970, without the rounding of a float."""
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def ts(value: int) -> str:
    """A Slack timestamp, ten digits and six, from microseconds since 1970."""
    return f"{value // 1_000_000:010d}.{value % 1_000_000:06d}"
