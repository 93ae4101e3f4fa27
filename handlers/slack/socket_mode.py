"""Socket Mode: presses of buttons come over a connection that we open, so no public address is needed."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec
import structlog

from handlers.http.addresses import Origin
from handlers.http.proxies import ProxyChoice
from handlers.http.tls import trusting
from handlers.slack.hosts import is_slacks
from handlers.slack.refusals import PASSING, listening_remedy
from handlers.slack.web_api import WebApi
from handlers.wording import one_line
from receiver.contracts import Listening
from receiver.errors import ListeningRefused, NoAnswer, NotJson, NotSent, StoreUnavailable
from receiver.lib.signatures import Secret
from receiver.lib.strict_json import read_json

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = structlog.get_logger("slack")

#: How long it may take to be let in, seconds.
OPEN_S: Final = 10.0
#: Seconds between our pings, and until a connection without an answer is given up.
PING_S: Final = 15.0
#: How long saying goodbye may take, seconds: a shutdown waits for it.
CLOSE_S: Final = 1.0
#: How long a press may take before Slack tells the person that it failed (documented), less the way there.
ACK_S: Final = 2.5
#: Bytes of a frame: a press carries its message.
MAX_FRAME: Final = 1024 * 1024
#: How long a connection that Slack wants to end may still bring presses, seconds.
LEAVING_S: Final = 30.0
#: Before the next connection is opened, seconds: a Slack that ends each at once is not asked without a pause.
RENEW_WAIT_S: Final = 1.0
#: Why Slack ends a connection that a new one takes the place of.
REFRESH: Final = frozenset({"warning", "refresh_requested"})


class SlackSocket:
    """Listens for one app."""

    def __init__(self, api: str, app_token: Secret) -> None:
        """`api` is the address that methods stand behind."""
        self._api = WebApi(api, app_token)
        #: Connections that end soon, while another has taken over.
        self._leaving: set[asyncio.Task[None]] = set()

    async def listen(self, listening: Listening) -> None:
        """Listens until it is cancelled; the next connection is open before Slack ends the one before.

        Raises TransportError when it is cut off, ListeningRefused if only a person can put it right.
        """
        try:
            while True:
                socket = await self._connected(listening)
                listening.connected()
                ending: asyncio.Future[None] = asyncio.get_running_loop().create_future()
                reading = asyncio.create_task(_read(socket, listening, ending), name="slack socket")
                self._leaving.add(reading)
                reading.add_done_callback(self._left)
                await asyncio.wait({reading, ending}, return_when=asyncio.FIRST_COMPLETED)
                if reading.done():
                    reading.result()
                    raise NoAnswer("Slack closed the connection")
                await asyncio.sleep(RENEW_WAIT_S)
        finally:
            for task in list(self._leaving):
                task.cancel()
            await asyncio.gather(*self._leaving, return_exceptions=True)

    def _left(self, reading: asyncio.Task[None]) -> None:
        self._leaving.discard(reading)
        if not reading.cancelled():
            reading.exception()  # whoever waits for it gets it; of one that was leaving it says nothing new

    async def _connected(self, listening: Listening) -> ClientConnection:
        """A connection that Slack has greeted."""
        from websockets.asyncio.client import connect  # noqa: PLC0415  # an extra: only who uses Socket Mode has it
        from websockets.exceptions import WebSocketException  # noqa: PLC0415  # an extra

        url = await self._ticket(listening)
        origin = urlsplit(url)
        is_tls = origin.scheme == "wss"
        port = origin.port or (443 if is_tls else 80)
        place = Origin("https" if is_tls else "http", origin.hostname or "", port)
        try:
            socket = await connect(
                url,
                ssl=await asyncio.to_thread(trusting, listening.network.ca_file) if is_tls else None,
                proxy=ProxyChoice(listening.network).proxy_for(place),
                open_timeout=OPEN_S,
                ping_interval=PING_S,
                ping_timeout=PING_S,
                close_timeout=CLOSE_S,
                max_size=MAX_FRAME,
                compression=None,
            )
        except (OSError, WebSocketException, ValueError) as wrong:
            raise NotSent(f"{origin.hostname}: no connection ({type(wrong).__name__})") from None
        return await _greeted(socket)

    async def _ticket(self, listening: Listening) -> str:
        """The address of a new connection; it opens one, once."""
        reply = await self._api.call("apps.connections.open", {}, listening.transport, OPEN_S, as_form=True)
        url = reply.fields.get("url")
        if not reply.ok or not isinstance(url, str):
            if reply.error and reply.error not in PASSING and reply.answer.status == 200:
                raise ListeningRefused(f"Slack: {one_line(reply.error, 80)}{listening_remedy(reply.error)}")
            raise NoAnswer(f"apps.connections.open: {one_line(reply.error, 80) or f'HTTP {reply.answer.status}'}")
        if not url.startswith(("wss://", "ws://")) or not is_slacks(url, self._api.root):
            raise NoAnswer("Slack named an address that is no wss:// of its own")
        return url


async def _greeted(socket: ClientConnection) -> ClientConnection:
    from websockets.exceptions import WebSocketException  # noqa: PLC0415  # an extra

    try:
        async with asyncio.timeout(OPEN_S):
            frame = _frame(await socket.recv())
        if frame.get("type") != "hello":
            raise _ended(frame)
    except BaseException as wrong:
        socket.transport.abort()  # on a shutdown too
        if isinstance(wrong, (WebSocketException, TimeoutError)):
            raise NoAnswer(f"Slack did not say hello ({type(wrong).__name__})") from None
        raise
    return socket


async def _read(socket: ClientConnection, listening: Listening, ending: asyncio.Future[None]) -> None:
    """Reads a connection to its end; `ending` has its result when another should take over."""
    from websockets.exceptions import ConnectionClosed  # noqa: PLC0415

    try:
        async with asyncio.timeout(None) as limit:
            async for text in socket:
                frame = _frame(text)
                if frame.get("type") != "disconnect":
                    await _acknowledge(socket, frame, listening)
                elif frame.get("reason") not in REFRESH:
                    raise _ended(frame)
                elif not ending.done():
                    ending.set_result(None)
                    limit.reschedule(asyncio.get_running_loop().time() + LEAVING_S)
    except (ConnectionClosed, TimeoutError):
        return
    finally:
        with contextlib.suppress(Exception):
            await socket.close()


async def _acknowledge(socket: ClientConnection, frame: dict[str, Any], listening: Listening) -> None:
    """Acknowledges a frame once what it says is on disk; what cannot be kept now is not acknowledged."""
    envelope = frame.get("envelope_id")
    if not isinstance(envelope, str):
        return
    if frame.get("type") == "interactive":
        try:
            async with asyncio.timeout(ACK_S):
                await listening.take(msgspec.json.encode(frame.get("payload")))
        except (StoreUnavailable, TimeoutError) as wrong:
            log.error("press.not_kept", reason=str(wrong) or "it took too long")
            return
    await socket.send(msgspec.json.encode({"envelope_id": envelope}).decode())


def _frame(text: str | bytes) -> dict[str, Any]:
    try:
        value = read_json(text.encode() if isinstance(text, str) else text)
    except NotJson:
        return {}
    return value if isinstance(value, dict) else {}


def _ended(frame: dict[str, Any]) -> Exception:
    """Why Slack ends a connection that no new one takes the place of."""
    reason = one_line(str(frame.get("reason")), 80)
    if reason == "link_disabled":
        return ListeningRefused("Slack: Socket Mode is switched off: switch it on in the app's settings")
    return NoAnswer(f"Slack ended the connection: {reason}")
