"""Turns what goes wrong below the API into problem documents; the one place where errors become statuses."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Final

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from receiver.errors import (
    GridhookError,
    InvalidParams,
    NotAllowed,
    NotFound,
    NotJson,
    NotPossible,
    StoreUnavailable,
    Unsupported,
)
from receiver.web.problems import Refusal, problem

log = structlog.get_logger("web")

#: Seconds after which a caller may ask again when it cannot be kept now.
RETRY_AFTER: Final = "5"
STATUSES: Final[dict[type[GridhookError], int]] = {
    InvalidParams: 400,
    NotJson: 400,
    NotAllowed: 403,
    NotFound: 404,
    NotPossible: 409,
    Unsupported: 409,
}

Handler = Callable[[Request, Exception], Response]


def handlers() -> dict[type[Exception], Handler]:
    """What Starlette calls for each kind of error."""
    return {
        HTTPException: _of_the_router,
        Refusal: _refused,
        StoreUnavailable: _unavailable,
        **dict.fromkeys(STATUSES, _wished_wrongly),
    }


def _of_the_router(_request: Request, error: Exception) -> Response:
    """404 and 405, as Starlette finds them."""
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = HTTPStatus(status).phrase.lower().replace(" ", "_")
    details = {404: "there is nothing at this address", 405: "this address does not take this method"}
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else None
    return problem(status, code, details.get(status, HTTPStatus(status).phrase), headers)


def _refused(_request: Request, error: Exception) -> Response:
    if not isinstance(error, Refusal):
        raise error
    return problem(error.status, error.code, error.detail, error.headers)


def _unavailable(_request: Request, error: Exception) -> Response:
    log.error("api.unavailable", reason=str(error))
    return problem(503, "unavailable", "the store cannot do it now; ask again", {"retry-after": RETRY_AFTER})


def _wished_wrongly(_request: Request, error: Exception) -> Response:
    if not isinstance(error, GridhookError):
        raise error
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    return problem(status, error.code, str(error))
