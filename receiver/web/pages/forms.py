"""What a form of a page sends."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from receiver.web.ingest.bodies import read_body, read_headers
from receiver.web.problems import Refusal

#: The largest form, bytes, and how many fields it has at most.
MAX_FORM: Final = 256 * 1024
MAX_FIELDS: Final = 1100


class Form:
    """The fields of a form, in order; a name may occur several times."""

    def __init__(self, fields: list[tuple[str, str]]) -> None:
        self._fields = fields

    def one(self, name: str) -> str:
        """The last value of this name; empty if there is none."""
        return next((value for field, value in reversed(self._fields) if field == name), "")

    def names(self) -> list[str]:
        """The names of its fields, each once."""
        return list(dict.fromkeys(field for field, _ in self._fields))

    def many(self, name: str) -> list[str]:
        """All values of this name, each once."""
        return list(dict.fromkeys(value for field, value in self._fields if field == name))


async def read_form(request: Request) -> Form:
    """The form in a request's body. Raises Refusal (413, or 400 if it is no form)."""
    body = await read_body(request.receive, read_headers(request.headers.raw), MAX_FORM)
    try:
        return Form(parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS))
    except ValueError:
        raise Refusal(400, "invalid_form", "this is no form that a page of gridhook has") from None
