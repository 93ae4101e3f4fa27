"""ntfy: a push message to phones, with the picture attached by its address."""

from __future__ import annotations

import re
from typing import ClassVar, Final
from urllib.parse import urlsplit

import msgspec

from handlers.http.addresses import keys_in, usable_url
from handlers.http.answers import outcome_of
from handlers.http.probing import probe_connection
from handlers.text import summary, template_of
from receiver.contracts import Call, DeliveryContext, Handler, SecretUrl, SinkProbe, TextSource
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Outcome, OutgoingEvent

#: Bytes of a message; a longer one becomes an attachment (documented).
MAX_MESSAGE: Final = 4096
#: What a topic may be called (documented).
TOPIC: Final = re.compile(r"[-_A-Za-z0-9]{1,64}")
#: Above the usual 3 where somebody has to act (documented: 1 to 5).
PRIORITY: Final = {
    "job.failed": 4,
    "job.unsure": 4,
    "job.held": 4,
    "sink.failing": 4,
    "source.stopped": 4,
    "delivery.dead": 4,
}
TAGS: Final = {"job.completed": "white_check_mark", "job.failed": "x", "job.unsure": "grey_question"}


class Ntfy(Handler):
    """Publishes each event to one topic of an ntfy server."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of an `ntfy` sink."""

        #: The topic's address, such as "https://ntfy.sh/my-topic": who knows the topic can read it.
        url: SecretUrl
        #: An access token (`tk_...`), where the topic wants one.
        token: Secret | None = None
        #: The message about a job.
        text: TextSource | None = None

    #: Documented: a burst of 60, then one each five seconds.
    default_rate: ClassVar[float | None] = 0.2
    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        """Raises OptionError for an address without a topic, or a template that cannot be used."""
        url = usable_url("url", options.url)
        self._server, _, self._topic = url.rstrip("/").rpartition("/")
        if urlsplit(self._server).hostname is None or not TOPIC.fullmatch(self._topic):
            raise OptionError("url", "names no topic of an ntfy server", 'write "https://ntfy.sh/TOPIC"')
        self._headers = {"content-type": "application/json"}
        if options.token is not None:
            self._headers["authorization"] = f"Bearer {options.token.reveal()}"
        # A short topic is as secret as a long one.
        self._hidden = (*filter(None, (options.token,)), Secret(self._topic), *keys_in(url))
        self._template = template_of(options.text)

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Publishes the event once. Raises TransportError if there was no answer."""
        told = summary(outgoing.event, self._template)
        message: dict[str, object] = {
            "topic": self._topic,
            "title": told.title,
            "message": told.text(MAX_MESSAGE) or told.title,
            "priority": PRIORITY.get(outgoing.event.type, 3),
            "tags": [TAGS[outgoing.event.type]] if outgoing.event.type in TAGS else [],
        }
        if told.picture is not None:
            message |= {"attach": told.picture, "click": told.picture}
        body = msgspec.json.encode(message)
        call = Call(method="POST", url=f"{self._server}/", headers=self._headers, body=body)
        return outcome_of(await context.transport.send(call, context.timeout), context.clock(), self._hidden)

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Whether the address takes connections; nothing is sent. Raises TransportError."""
        return await probe_connection(self._server, context)
