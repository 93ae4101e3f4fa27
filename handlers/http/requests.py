"""A call as HTTP/1.1 has it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple

from handlers.http.addresses import CONTROL, WebAddress, parse_address
from receiver.contracts import Call
from receiver.errors import NotSent

#: What we say for ourselves unless the call says otherwise; "identity" because answers are small.
DEFAULT_HEADERS: Final = {"user-agent": "gridhook", "accept-encoding": "identity"}
#: Letters of a header's name.
TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
#: Where the body ends and what becomes of the connection is not for a call to say.
OURS: Final = frozenset({"connection", "content-length", "transfer-encoding", "upgrade", "expect", "te", "trailer"})

#: Why a call was not sent whose caller says, right before its first byte, that it may not go out.
TOO_LATE: Final = "not sent: it was no longer ours to send"


class WrittenCall(NamedTuple):
    """A call that can be sent."""

    call: Call
    address: WebAddress
    #: Names in lower case, ASCII, without a character that would end one.
    headers: dict[str, str]

    def as_bytes(self) -> bytes:
        """The whole request."""
        call, address = self.call, self.address
        lines = [f"{call.method} {address.target} HTTP/1.1"]
        if "host" not in self.headers:
            lines.append(f"host: {address.origin.authority}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        body = call.body or b""
        if call.body is not None or call.method in ("POST", "PUT", "PATCH"):
            lines.append(f"content-length: {len(body)}")
        return "\r\n".join([*lines, "", ""]).encode("ascii") + body


def write(call: Call) -> WrittenCall:
    """A call, checked and with all its headers. Raises NotSent for what can never be sent."""
    address = parse_address(call.url)
    if address is None:
        raise NotSent("not an http:// or https:// address with a host")
    place = address.origin
    try:
        headers = DEFAULT_HEADERS | {_lower_name(name): value for name, value in call.headers.items()}
        text = "".join([*headers, *headers.values()])
    except TypeError:
        raise NotSent(f"{place}: a header holds what is no text") from None
    if not text.isascii():
        raise NotSent(f"{place}: a header holds what is not ASCII")
    if CONTROL.search(text):
        raise NotSent(f"{place}: a header holds a control character; look for a line break in a key")
    if "" in headers:
        raise NotSent(f"{place}: a header has a name that HTTP does not allow for one")
    if not OURS.isdisjoint(headers):
        raise NotSent(f"{place}: {', '.join(sorted(OURS & headers.keys()))} is no header for a call to say")
    if address.credentials and "authorization" not in headers:
        headers["authorization"] = f"Basic {address.credentials}"
    return WrittenCall(call, address, headers)


@lru_cache(1024)
def _lower_name(name: str) -> str:
    """A header's name in lower case; "" if it is none."""
    return name.lower() if TOKEN.fullmatch(name) else ""
