"""Any HTTP address as a sink: method, headers and a body of one's own. For n8n, Zapier, Make and the like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

import msgspec

from handlers.http.addresses import keys_in, usable_url
from handlers.http.answers import outcome_of
from handlers.http.probing import probe_connection
from handlers.text import template_of
from receiver.contracts import Call, DeliveryContext, Handler, JsonSource, MaybeSecret, SecretUrl, SinkProbe
from receiver.errors import NotJson, OptionError, TemplateWrong, raise_option_errors
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json
from receiver.model.deliveries import Dead, Outcome, OutgoingEvent
from receiver.model.events import OperatorEvent

HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: What the HTTP client sees to.
NOT_OURS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "accept-encoding"})
#: These carry a body only where one is written.
BARE_METHODS: Final = frozenset({"GET", "DELETE"})


def check_headers(headers: Mapping[str, Secret]) -> None:
    """Raises OptionErrors for names that no header can have, and for those that the HTTP client sets."""
    raise_option_errors(
        [
            OptionError(name[:60], "is not the name of a header that can be set", "write one such as x-api-key")
            for name in headers
            if not HEADER.fullmatch(name) or name.lower() in NOT_OURS
        ]
    )


class HttpRequest(Handler):
    """Sends each event to one address: the event's own JSON, or what the template `body` makes of it.

    `idempotency-key` is the event's id and stays the same over all tries. Operator events go out as they are.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of an `http` sink."""

        #: Where to.
        url: SecretUrl
        method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"] = "POST"
        #: Beside `content-type`, `user-agent` and `idempotency-key`, or in their place.
        headers: Annotated[dict[str, MaybeSecret], msgspec.Meta(extra={"check": check_headers})] = {}
        #: A template of JSON; left out: the event itself, a CloudEvent.
        body: JsonSource | None = None

    def __init__(self, options: Options) -> None:
        """Raises OptionError for an address or a template that cannot be used."""
        self._url = usable_url("url", options.url)
        self._method = options.method
        self._headers = {name.lower(): value.reveal() for name, value in options.headers.items()}
        self._hidden = (*options.headers.values(), *keys_in(self._url))
        self._body = template_of(options.body, key="body")

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Sends the event once. Raises TransportError if there was no answer."""
        try:
            body = self._content(outgoing)
        except (TemplateWrong, NotJson) as wrong:
            return Dead(note=f"the body cannot be made: {wrong}")
        own = {"content-type": "application/json"} if body is not None else {}
        headers = {"user-agent": "gridhook", "idempotency-key": outgoing.event.id, **own, **self._headers}
        call = Call(method=self._method, url=self._url, headers=headers, body=body)
        return outcome_of(await context.transport.send(call, context.timeout), context.clock(), self._hidden)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether the address takes connections; nothing is sent. Raises TransportError."""
        return await probe_connection(self._url, context)

    def _content(self, outgoing: OutgoingEvent) -> bytes | None:
        """The body; None where the method carries none."""
        if self._body is None or isinstance(outgoing.event, OperatorEvent):
            return None if self._method in BARE_METHODS else outgoing.body
        body = self._body.fill(outgoing.event).encode()
        read_json(body)
        return body
