"""NATS JetStream: each event becomes a message of a stream. Needs the extra `nats`."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Final
from urllib.parse import unquote, urlsplit

import msgspec

from handlers.http.answers import quote
from handlers.text import cut, template_of
from receiver.contracts import DeliveryContext, Handler, SinkProbe, TextSource
from receiver.errors import OptionError, TemplateWrong
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent
from receiver.model.events import AnyEvent
from receiver.model.templates import EventTemplate

if TYPE_CHECKING:
    from nats.aio.client import Client

SCHEMES: Final = frozenset({"nats", "tls"})
MOST_SERVERS: Final = 16
#: Bytes of a subject: with the headers it stays far below a server's `max_control_line` of 4 KB.
MAX_SUBJECT: Final = 255
#: What no part of a subject may hold: spaces, control characters and wildcards.
NOT_IN_SUBJECTS: Final = re.compile(r"[\s*>\x00-\x1f\x7f]+")
#: Letters that a vendor's value keeps in a subject; a dot of its own would begin another part.
NOT_IN_VALUES: Final = re.compile(r"[^A-Za-z0-9_.=-]+")
#: JetStream answers with statuses like those of HTTP: from here on it may pass.
SERVER_ERRORS: Final = 500


def check_server(server: Secret) -> None:
    """Raises OptionError (key "") for what is no address of a NATS server; never shows it."""
    remedy = 'write "nats://host:4222", or "tls://user:password@host:4222"'
    try:
        parts = urlsplit(server.reveal())
        port = parts.port
    except ValueError:
        raise OptionError("", "cannot be read", remedy) from None
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0 or parts.path.strip("/") or parts.query:
        raise OptionError("", "is not the address of a NATS server", remedy)


NatsServer = Annotated[Secret, msgspec.Meta(extra={"check": check_server})]


class Nats(Handler):
    """Publishes each event (CloudEvents JSON) to JetStream and waits until a stream has kept it.

    `Nats-Msg-Id` is the event's id and the sink's name, so that a stream drops a repeat.
    """

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of a `nats` sink."""

        #: The servers of one cluster, tried in this order; user and password, or a token, stand in the address.
        servers: Annotated[tuple[NatsServer, ...], msgspec.Meta(min_length=1, max_length=MOST_SERVERS)]
        #: A template of the subject; left out: `gridhook.` and the event's type.
        subject: TextSource | None = None

    def __init__(self, options: Options) -> None:
        """Raises OptionError for a template that cannot be used, and if nats-py is not installed."""
        try:
            import nats.aio.client  # noqa: F401, PLC0415  # an extra: only who has JetStream has it
        except ImportError:
            remedy = "install gridhook with its extra `nats`: gridhook[nats]"
            raise OptionError("handler", "needs nats-py, which is not installed", remedy) from None
        self._servers = [server.reveal() for server in options.servers]
        self._hidden = (*options.servers, *(key for server in self._servers for key in _keys_in(server)))
        self._template = template_of(options.subject, lambda value: NOT_IN_VALUES.sub("_", value), "subject")

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Publishes the event once, on a connection of its own: delivered once a stream says that it has it."""
        from nats.aio.client import Client  # noqa: PLC0415  # an extra

        subject = subject_of(outgoing.event, self._template)
        client, failures = Client(), _Failures()
        try:
            async with asyncio.timeout(context.timeout):
                await self._connect(client, failures)
                return await _published(client, subject, f"{outgoing.event.id}.{context.sink}", outgoing.body)
        except TimeoutError:
            return Again(note=f"{subject}: no answer within {context.timeout:g} s")
        except _nats_errors() as wrong:
            return _outcome(failures.last or wrong, subject, self._hidden)
        finally:
            await client.close()

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Connects to the first server that takes it, and publishes nothing."""
        from nats.aio.client import Client  # noqa: PLC0415  # an extra

        client, failures = Client(), _Failures()
        try:
            async with asyncio.timeout(context.timeout):
                await self._connect(client, failures)
        except TimeoutError:
            return SinkProbe(works=False, said=f"no answer within {context.timeout:g} s")
        except _nats_errors() as wrong:
            why = failures.last or wrong
            return SinkProbe(works=False, said=quote(f"{why}".encode(errors="replace"), self._hidden))
        finally:
            await client.close()
        return SinkProbe(works=True, said="a server takes the connection; nothing was published")

    async def _connect(self, client: Client, failures: _Failures) -> None:
        """Connects to the first server that takes it. Raises what nats-py raises."""
        await client.connect(
            servers=self._servers,
            error_cb=failures.note,
            name="gridhook",
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            dont_randomize=True,
        )


class _Failures:
    """What went wrong with the servers that were tried; nats-py itself would only log it, with its address."""

    def __init__(self) -> None:
        self.last: Exception | None = None

    async def note(self, wrong: Exception) -> None:
        """Keeps the latest."""
        self.last = wrong


async def _published(client: Client, subject: str, message_id: str, body: bytes) -> Outcome:
    """Raises what nats-py raises."""
    answer = await client.jetstream().publish(subject, body, headers={"Nats-Msg-Id": message_id})
    return Delivered(note=f"{answer.stream} had it already" if answer.duplicate else f"{answer.stream} {answer.seq}")


def subject_of(event: AnyEvent, template: EventTemplate | None) -> str:
    """The subject of an event: the operator's, or where there is none `gridhook.` and the type; always a valid one."""
    try:
        said = template.fill(event) if template else ""
    except TemplateWrong:
        said = ""
    said = said.strip() or f"gridhook.{event.type}"
    return ".".join(NOT_IN_SUBJECTS.sub("_", part) or "_" for part in cut(said, MAX_SUBJECT).split("."))


def _outcome(wrong: Exception, subject: str, hidden: tuple[Secret, ...]) -> Outcome:
    """What an error of nats-py means: what the same message would meet again is final."""
    from nats.errors import AuthorizationError, MaxPayloadError  # noqa: PLC0415  # an extra
    from nats.js.errors import APIError, NoStreamResponseError  # noqa: PLC0415  # an extra

    note = quote(f"{subject}: {wrong}".encode(errors="replace"), hidden)
    match wrong:
        case NoStreamResponseError():
            return Again(note=f"{subject}: no stream takes this subject")
        case MaxPayloadError() | AuthorizationError():
            return Dead(note=note)
        case APIError(code=int() as code) if code < SERVER_ERRORS:
            return Dead(note=note, status=code)
        case _ if "authorization violation" in str(wrong).lower():
            return Dead(note=note)
        case _:
            return Again(note=note)


def _nats_errors() -> tuple[type[Exception], ...]:
    from nats.errors import Error  # noqa: PLC0415  # an extra

    return Error, OSError, ValueError


def _keys_in(server: str) -> list[Secret]:
    """What of an address must not be repeated: user, password or token, as they stand there and as they are meant."""
    parts = urlsplit(server)
    found = [text for text in (parts.username, parts.password) if text]
    return [Secret(text) for key in found for text in {key, unquote(key)} if len(text) > 1]
