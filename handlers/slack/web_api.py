"""Slack's Web API: calls with a bot's token, and what its answers say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from handlers.http.addresses import keys_in
from receiver.contracts import Answer, Call, Transport
from receiver.errors import NotJson
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json

JSON: Final = "application/json; charset=utf-8"
FORM: Final = "application/x-www-form-urlencoded"


class SlackAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """An answer of the Web API."""

    answer: Answer
    ok: bool = False
    #: Slack's word for what went wrong; empty if there is none that can be read.
    error: str = ""
    ts: str = ""
    channel: str = ""
    #: The whole, as far as it is an object of JSON.
    fields: dict[str, Any] = {}
    #: Why it is shown other than asked for.
    note: str | None = None


class WebApi:
    """Calls Slack's methods. Its answers are JSON with `ok` and `error`, mostly with HTTP 200."""

    def __init__(self, root: str, token: Secret) -> None:
        """`root` is the address that methods stand behind."""
        self.root = root
        self._token = token
        #: What must not stand in a note.
        self.hidden = (token, *keys_in(root))

    async def call(
        self,
        method: str,
        fields: Mapping[str, object],
        transport: Transport,
        seconds: float,
        *,
        as_form: bool = False,
    ) -> SlackAnswer:
        """What a method answers within so many seconds; some take forms only. Raises TransportError."""
        texts = {name: str(value) for name, value in fields.items()} if as_form else {}
        body = urlencode(texts).encode() if as_form else msgspec.json.encode(fields)
        headers = {"authorization": f"Bearer {self._token.reveal()}"}
        if fields or not as_form:
            headers["content-type"] = FORM if as_form else JSON
        call = Call(method="POST", url=f"{self.root}/{method}", headers=headers, body=body)
        return read_answer(await transport.send(call, seconds))


def read_answer(answer: Answer) -> SlackAnswer:
    """What an answer says; never raises, whatever it is."""
    try:
        value = read_json(answer.body)
    except NotJson:
        value = None
    if not isinstance(value, dict):
        return SlackAnswer(answer=answer)
    words = {name: value[name] for name in ("error", "ts", "channel") if isinstance(value.get(name), str)}
    return SlackAnswer(answer=answer, ok=value.get("ok") is True, fields=value, **words)
