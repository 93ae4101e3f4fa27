"""Errors as RFC 9457 problem details with a stable `code`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

TITLES: Final[dict[int, str]] = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    410: "Gone",
    413: "Content Too Large",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
#: What is told of a mistake, characters: what was sent may stand in it.
LONGEST_DETAIL: Final = 1000


def problem_body(status: int, code: str, detail: str, **more: Any) -> bytes:
    """A problem document's JSON: `type`, `title`, `status`, `code`, `detail`, and what else the error has to tell."""
    told = detail if len(detail) <= LONGEST_DETAIL else f"{detail[:LONGEST_DETAIL]}..."
    return msgspec.json.encode(
        {"type": "about:blank", "title": TITLES[status], "status": status, "code": code, "detail": told, **more}
    )


def problem(status: int, code: str, detail: str, headers: dict[str, str] | None = None, **more: Any) -> Response:
    """A problem document as a response."""
    return Response(
        problem_body(status, code, detail, **more),
        status_code=status,
        headers=headers,
        media_type="application/problem+json",
    )


class Refusal(Exception):
    """A request that is not taken: its answer. `detail` may be shown to anybody."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        super().__init__(code)

    def anew(self) -> Refusal:
        """The same, to be raised: what is raised again and again would hold on to the way of each time."""
        return Refusal(self.status, self.code, self.detail, self.headers)


#: What is said of an address that leads nowhere, and by the public port of what is on the admin port.
NOTHING: Final = Refusal(404, "not_found", "there is nothing at this address")
