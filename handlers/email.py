"""E-mail over SMTP: one message an event, in plain text and HTML, its picture within. Needs the extra `email`."""

from __future__ import annotations

import asyncio
import ipaddress
from contextlib import suppress
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from html import escape
from typing import Annotated, ClassVar, Final, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec

from handlers.chat.pictures import fetched, preview
from handlers.http.answers import quote
from handlers.text import Summary, summary, template_of
from handlers.wording import one_line
from receiver.contracts import DeliveryContext, Handler, SinkProbe, TextSource
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered, Outcome, OutgoingEvent
from receiver.model.events import AnyEvent

#: Characters of a subject: a line of a message's head has 998 bytes at most (RFC 5322).
MAX_SUBJECT: Final = 150
MAX_TEXT: Final = 50_000
MOST_RECIPIENTS: Final = 50
#: Replies of these classes are for later, all else is final (RFC 5321, 4.2.1).
TRY_LATER: Final = 4
#: The picture within a mail: how wide at most (pixels), how large (bytes), and the share of a try's time it may take.
PREVIEW_WIDTH: Final = 800
MAX_PREVIEW: Final = 1024**2
PICTURE_SHARE: Final = 0.5
#: How many of a job's pictures are asked for until one is there.
MOST_ASKED: Final = 3
PICTURE_ID: Final = "picture@gridhook.invalid"
DEFAULT_PORTS: Final = {"smtps": 465, "smtp": 587}


class MailServer(NamedTuple):
    """Where mail is handed over."""

    host: str
    port: int
    user: str | None
    #: TLS from the first byte (`smtps`), else STARTTLS.
    is_tls: bool


def check_server(text: str) -> None:
    """Raises OptionError (key "") for what is no address of a mail server."""
    server_of(text, "")


def server_of(text: str, key: str) -> MailServer:
    """The mail server that `smtps://user@host:465` names. Raises OptionError under `key`."""
    remedy = 'write "smtps://user@host:465", or "smtp://user@host:587" for STARTTLS'
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise OptionError(key, "cannot be read", remedy) from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or parts.path or parts.query or port == 0:
        raise OptionError(key, "is not the address of a mail server", remedy)
    if parts.password is not None:
        raise OptionError(key, "has a password in it", 'write password = "env:NAME" beside it')
    user = unquote(parts.username) if parts.username else None
    return MailServer(parts.hostname, port or DEFAULT_PORTS[parts.scheme], user, parts.scheme == "smtps")


def check_mailbox(text: str) -> None:
    """Raises OptionError for what is no address of a mailbox."""
    found = getaddresses([text])
    local, _, domain = found[0][1].rpartition("@") if len(found) == 1 else ("", "", "")
    if not local or not domain or not text.isprintable():
        raise OptionError("", "is not an address such as ada@example.com", 'write "ada@example.com"')


Mailbox = Annotated[str, msgspec.Meta(extra={"check": check_mailbox}, max_length=320)]


class Email(Handler):
    """Sends each event to all recipients. The mails of one job stand in one thread."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"sender": "from"}):
        """Keys of an `email` sink."""

        #: `smtps://user@host:465`, or `smtp://user@host:587` with STARTTLS.
        smtp: Annotated[str, msgspec.Meta(extra={"check": check_server})]
        #: Where there is a user.
        password: Secret | None = None
        sender: Mailbox
        to: Annotated[tuple[Mailbox, ...], msgspec.Meta(min_length=1, max_length=MOST_RECIPIENTS)]
        #: A template of the subject of a mail about a job.
        subject: TextSource | None = None
        #: A template of its text.
        text: TextSource | None = None

    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        """Raises OptionError for a server or template that cannot be used, and if aiosmtplib is not installed."""
        try:
            import aiosmtplib  # noqa: F401, PLC0415  # an extra: only who sends mail has it
        except ImportError:
            remedy = "install gridhook with its extra `email`: gridhook[email]"
            raise OptionError("handler", "needs aiosmtplib, which is not installed", remedy) from None
        self._server = server_of(options.smtp, "smtp")
        if (self._server.user is None) is not (options.password is None):
            raise OptionError("password", "and a user in smtp go together", 'write smtp = "smtps://user@host:465"')
        self._password = options.password
        self._from, self._to = options.sender, options.to
        self._subject = template_of(options.subject, key="subject")
        self._text = template_of(options.text)

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Hands one mail to the server. `Message-ID` is made of the event's id and stays the same over all tries."""
        import aiosmtplib  # noqa: PLC0415  # an extra

        server, hidden = self._server, tuple(filter(None, (self._password,)))
        began = context.clock()
        mail = await self._mail(outgoing.event, context)
        left = max(context.timeout * (1 - PICTURE_SHARE), context.timeout - (context.clock() - began) / 1000)
        try:
            refused, _ = await aiosmtplib.send(
                mail,
                hostname=server.host,
                port=server.port,
                username=server.user,
                password=self._password.reveal() if self._password else None,
                use_tls=server.is_tls,
                start_tls=_start_tls(server),
                timeout=left,
            )
        except aiosmtplib.SMTPRecipientsRefused as wrong:
            codes = [one.code for one in wrong.recipients]
            return _outcome(min(codes, default=0), f"all recipients were refused ({', '.join(map(str, codes))})")
        except aiosmtplib.SMTPResponseException as wrong:
            return _outcome(wrong.code, quote(wrong.message.encode(errors="replace"), hidden))
        except (aiosmtplib.SMTPException, OSError) as wrong:
            return Again(note=f"{server.host}: {quote(str(wrong).encode(errors='replace'), hidden)}")
        if refused:
            return Delivered(note=f"{len(refused)} of {len(self._to)} recipients were refused")
        return Delivered()

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Greets the mail server (EHLO, STARTTLS) and signs in where there is a user; hands over no mail."""
        import aiosmtplib  # noqa: PLC0415  # an extra

        server, hidden = self._server, tuple(filter(None, (self._password,)))
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.is_tls,
            start_tls=_start_tls(server),
            timeout=context.timeout,
        )
        try:
            await client.connect()
            if server.user is not None and self._password is not None:
                await client.login(server.user, self._password.reveal())
            await client.quit()
        except (aiosmtplib.SMTPException, OSError) as wrong:
            return SinkProbe(works=False, said=f"{server.host}: {quote(str(wrong).encode(errors='replace'), hidden)}")
        finally:
            client.close()
        took = "takes the user and the password" if server.user is not None else "answers"
        return SinkProbe(works=True, said=f"{server.host} {took}; no mail was sent")

    async def _mail(self, event: AnyEvent, context: DeliveryContext) -> EmailMessage:
        told = summary(event, self._text)
        mail = EmailMessage()
        mail["From"] = self._from
        mail["To"] = ", ".join(self._to)
        mail["Subject"] = one_line(summary(event, self._subject).lines[0] if self._subject else told.title, MAX_SUBJECT)
        mail["Date"] = format_datetime(datetime.fromisoformat(event.time))
        mail["Message-ID"] = f"<{event.id}@gridhook.invalid>"
        mail["References"] = f"<{event.subject}@gridhook.invalid>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(f"{told.title}\n\n{told.text(MAX_TEXT)}\n")
        picture = await _picture(told, context)
        if picture is not None:
            _show(mail, told, picture)
        return mail


async def _picture(told: Summary, context: DeliveryContext) -> bytes | None:
    """The first picture that can be had, as a small JPEG; None if there is none: the mail goes out without it then."""
    with suppress(TimeoutError):
        async with asyncio.timeout(context.timeout * PICTURE_SHARE):
            for url in told.links[:MOST_ASKED]:
                picture = await fetched(url, context)
                small = await preview(picture, PREVIEW_WIDTH) if picture is not None else None
                if small is not None and len(small.body) <= MAX_PREVIEW:
                    return small.body
    return None


def _show(mail: EmailMessage, told: Summary, picture: bytes) -> None:
    """Adds the same as HTML with the picture, which is part of the mail: nothing is loaded from anywhere."""
    mail.add_alternative(_html(told), subtype="html")
    (_, shown) = mail.iter_parts()
    shown.add_related(picture, "image", "jpeg", cid=f"<{PICTURE_ID}>", disposition="inline", filename="picture.jpg")


def _html(told: Summary) -> str:
    """Title, picture and lines; whatever is foreign is text."""
    lines = told.text(MAX_TEXT).splitlines()
    links = set(told.links)
    shown = [f'<a href="{escape(line)}">{escape(line)}</a>' if line in links else escape(line) for line in lines]
    return (
        f"<!DOCTYPE html><html><body><h3>{escape(told.title)}</h3>"
        f'<p><img src="cid:{PICTURE_ID}" alt="{escape(told.title)}" style="max-width:100%"></p>'
        f"<p>{'<br>'.join(shown)}</p></body></html>"
    )


def _outcome(code: int, said: str) -> Outcome:
    """What a reply of the server means: 4xx may pass, all else is the same again."""
    note = f"SMTP {code}: {said}"
    return Again(note=note) if code // 100 == TRY_LATER else Dead(note=note)


def _start_tls(server: MailServer) -> bool | None:
    """Whether STARTTLS is asked for; None: where it is offered. Only for this very machine, where nobody listens in
    between.
    """
    if server.is_tls:
        return False
    return None if _is_loopback(server.host) else True


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
