"""Microsoft Teams: an Adaptive Card through a Workflows webhook."""

from __future__ import annotations

from typing import ClassVar, Final

import msgspec

from handlers.http.addresses import keys_in, usable_url
from handlers.http.answers import outcome_of
from handlers.http.probing import probe_connection
from handlers.text import Summary, cut, summary, template_of
from receiver.contracts import Call, DeliveryContext, Handler, SecretUrl, SinkProbe, TextSource
from receiver.model.deliveries import Outcome, OutgoingEvent

#: Bytes of all text in a card: with the addresses it stays below the 28 KB of a message (documented).
MAX_TEXT: Final = 8_000
#: Links below the card; Teams shows six (documented for `ActionSet`).
MAX_LINKS: Final = 6
SCHEMA: Final = "http://adaptivecards.io/schemas/adaptive-card.json"
#: What Markdown in a card gives a meaning.
MARKS: Final = str.maketrans({sign: f"\\{sign}" for sign in "\\*_[]()#`~>-"})


class Teams(Handler):
    """Shows each event in a Teams channel, with the picture by its address.

    A 2xx says that the flow took it: what goes wrong within the flow is not told.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a `teams` sink."""

        #: Of "When a Teams webhook request is received"; the old connectors (`webhook.office.com`) are retired.
        url: SecretUrl
        #: The text about a job.
        text: TextSource | None = None

    #: Documented: above four requests a second there are 429s.
    default_rate: ClassVar[float | None] = 1.0
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        """Raises OptionError for an address or a template that cannot be used."""
        self._url = usable_url("url", options.url)
        self._hidden = keys_in(self._url)
        self._template = template_of(options.text)

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Posts the event once. Raises TransportError if there was no answer."""
        body = msgspec.json.encode(_message(summary(outgoing.event, self._template)))
        call = Call(method="POST", url=self._url, headers={"content-type": "application/json"}, body=body)
        return outcome_of(await context.transport.send(call, context.timeout), context.clock(), self._hidden)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether the address takes connections; nothing is sent. Raises TransportError."""
        return await probe_connection(self._url, context)


def _message(told: Summary) -> dict[str, object]:
    lines = cut("\n".join(told.lines), MAX_TEXT).splitlines()
    body: list[dict[str, object]] = [_text(told.title, weight="Bolder"), *(_text(line) for line in lines)]
    if told.picture is not None:
        body.append({"type": "Image", "url": told.picture, "altText": told.title})
    card = {
        "$schema": SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.5",
        "body": body,
        "actions": [
            {"type": "Action.OpenUrl", "title": f"Picture {place}", "url": url}
            for place, url in enumerate(told.links[:MAX_LINKS], 1)
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _text(line: str, **how: object) -> dict[str, object]:
    return {"type": "TextBlock", "text": line.translate(MARKS), "wrap": True, **how}
