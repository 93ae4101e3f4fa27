"""A signed webhook: events go out by the Standard Webhooks specification, as CloudEvents."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from handlers.http import keys_in, outcome_of, usable_url
from receiver.contracts import Call, Transport
from receiver.errors import InvalidParams
from receiver.lib.signatures import (
    Secret,
    standard_webhook_key,
    standard_webhook_signature,
)
from receiver.lib.times import Clock
from receiver.model.deliveries import Outcome, OutgoingEvent


class Webhook:
    """POSTs each event's own bytes to one address.

    `webhook-id` is the event's id and stays the same over all tries, so the receiver can tell a repeat.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a webhook sink."""

        #: Where to; hidden because addresses often hold keys.
        url: Secret
        #: `whsec_` + base64, or any other text.
        secret: Secret

    default_rate: ClassVar[float | None] = None
    default_concurrency: ClassVar[int] = 4

    def __init__(self, options: Options, transport: Transport, clock: Clock, timeout: float) -> None:
        """`timeout` is seconds for one try. Raises InvalidParams for an address or a secret that cannot be used."""
        self._url = usable_url("url", options.url)
        self._hidden = (options.secret, *keys_in(self._url))
        self._key = _key(options.secret)
        self._transport = transport
        self._clock = clock
        self._timeout = timeout

    async def deliver(self, outgoing: OutgoingEvent) -> Outcome:
        """Sends the event once. Raises TransportError if there was no answer."""
        answer = await self._transport.send(self._call(outgoing), self._timeout)
        return outcome_of(answer, self._clock(), self._hidden)

    def _call(self, outgoing: OutgoingEvent) -> Call:
        moment = self._clock() // 1000
        headers = {
            "content-type": "application/cloudevents+json",
            "user-agent": "gridhook",
            "webhook-id": outgoing.event.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": standard_webhook_signature(self._key, outgoing.event.id, moment, outgoing.body),
        }
        return Call(method="POST", url=self._url, headers=headers, body=outgoing.body)


def _key(secret: Secret) -> bytes:
    try:
        key = standard_webhook_key(secret)
    except ValueError:
        key = b""
    if not key:
        raise InvalidParams("secret must be whsec_ and base64 of 24-64 random bytes, or any text without whsec_")
    return key
