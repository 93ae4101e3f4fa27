"""A signed webhook: events go out by the Standard Webhooks specification, as CloudEvents."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final, Literal

import msgspec

from handlers.http.addresses import keys_in, usable_url
from handlers.http.answers import outcome_of
from handlers.http.probing import probe_connection
from receiver.contracts import (
    Call,
    DeliveryContext,
    Handler,
    SecretUrl,
    SinkProbe,
)
from receiver.errors import OptionError
from receiver.lib.signatures import (
    Secret,
    fresh_standard_webhook_secret,
    standard_webhook_key,
    standard_webhook_signature,
)
from receiver.model.deliveries import Outcome, OutgoingEvent

#: The present secret and, while receivers change over, the one before.
MOST_SECRETS: Final = 2


def signing_keys(key: str, given: tuple[Secret, ...]) -> tuple[bytes, ...]:
    """The keys of one or two Standard Webhooks secrets.

    Raises OptionError, under the name `key`, for what is none; the remedy holds a fresh one.
    """
    if len(given) > MOST_SECRETS:
        raise OptionError(key, f"has {len(given)} secrets", "write one, or a list of two while you rotate")
    try:
        if not given:
            raise ValueError("is an empty list")
        return tuple(standard_webhook_key(secret) for secret in given)
    except ValueError as wrong:
        fresh = fresh_standard_webhook_secret()
        raise OptionError(key, str(wrong), f"take this one, here and at the receiver: {fresh}") from None


class Webhook(Handler):
    """POSTs each event's own bytes, a CloudEvent in JSON, to one address.

    `webhook-id` is the event's id and stays the same over all tries, so the receiver can tell a repeat.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a webhook sink."""

        #: Where to.
        url: SecretUrl
        #: `whsec_` + base64 of 24-64 bytes. With two of them every event is signed with both.
        secret: Annotated[tuple[Secret, ...], msgspec.Meta(extra={"check": partial(signing_keys, "")})]
        #: What the body is called. Most receivers parse `application/json` alone (Express, Node-RED).
        content_type: Literal["application/json", "application/cloudevents+json"] = "application/json"

    def __init__(self, options: Options) -> None:
        """Raises OptionError for an address or a secret that cannot be used."""
        self._url = usable_url("url", options.url)
        self._hidden = (*options.secret, *keys_in(self._url))
        self._keys = signing_keys("secret", options.secret)
        self._content_type = options.content_type

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Sends the event once. Raises TransportError if there was no answer."""
        answer = await context.transport.send(self._call(outgoing, context.clock()), context.timeout)
        return outcome_of(answer, context.clock(), self._hidden)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether the address takes connections; nothing is sent. Raises TransportError."""
        return await probe_connection(self._url, context)

    def _call(self, outgoing: OutgoingEvent, now: int) -> Call:
        moment = now // 1000
        signatures = (standard_webhook_signature(key, outgoing.event.id, moment, outgoing.body) for key in self._keys)
        headers = {
            "content-type": self._content_type,
            "user-agent": "gridhook",
            "webhook-id": outgoing.event.id,
            "webhook-timestamp": str(moment),
            "webhook-signature": " ".join(signatures),
        }
        return Call(method="POST", url=self._url, headers=headers, body=outgoing.body)
