"""Sinks are opened without a message: what stands in the way is told, whatever kind it is, and no secret is."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from handlers.archive import Archive
from handlers.email import Email
from handlers.http.foreign import GuardedClient
from handlers.http.transport import HttpTransport
from handlers.local.json_lines import JsonLines
from handlers.local.program import Program
from handlers.log import Log
from handlers.nats import Nats
from handlers.webhook import Webhook
from receiver.contracts import DeliveryContext, Handler, NoOptions, SinkProbe
from receiver.errors import NotSent
from receiver.lib.signatures import Secret
from receiver.workers.checks.sink_probes import probe_sink
from support.strict_sinks import StrictMailbox, mail_server

SECRET = Secret("whsec_" + "aHVzaGh1c2hodXNoaHVzaGh1c2hodXNo")


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[DeliveryContext]:
    transport = HttpTransport()
    try:
        yield DeliveryContext(
            transport=transport,
            foreign=GuardedClient(transport, ()),
            sink="it",
            folder=folder,
            clock=lambda: 0,
            timeout=15,
        )
    finally:
        await transport.aclose()


async def probed(handler: Handler, folder: Path, seconds: float = 10.0) -> SinkProbe:
    return await probe_sink(handler, opened(folder), seconds)


@pytest.fixture
def closed_port() -> int:
    """A port of this machine that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def webhook(folder: Path, port: int) -> Handler:
    return Webhook(Webhook.Options(url=Secret(f"http://127.0.0.1:{port}/hush-hush-hush-hush"), secret=(SECRET,)))


def mail(folder: Path, port: int) -> Handler:
    return Email(Email.Options(smtp=f"smtp://127.0.0.1:{port}", sender="bot@example.com", to=("ada@example.com",)))


def nats(folder: Path, port: int) -> Handler:
    return Nats(Nats.Options(servers=(Secret(f"nats://gridhook:hush-hush@127.0.0.1:{port}"),)))


def no_program(folder: Path, port: int) -> Handler:
    return Program(Program.Options(command=("no-such-program-here",)))


def not_executable(folder: Path, port: int) -> Handler:
    (folder / "program.py").write_text("print('hush')")
    return Program(Program.Options(command=(str(folder / "program.py"),)))


def no_folder(folder: Path, port: int) -> Handler:
    return JsonLines(JsonLines.Options(path=str(folder / "none" / "events.jsonl")))


def no_file(folder: Path, port: int) -> Handler:
    (folder / "events.jsonl").mkdir()
    return JsonLines(JsonLines.Options(path=str(folder / "events.jsonl")))


def file_as_archive(folder: Path, port: int) -> Handler:
    (folder / "pictures").write_text("no folder")
    return Archive(Archive.Options(to="pictures"))


def bucket(folder: Path, port: int) -> Handler:
    secret = Secret("hush-hush-hush")
    return Archive(
        Archive.Options(
            to="s3://bucket",
            region="us-east-1",
            endpoint=f"http://127.0.0.1:{port}",
            access_key_id=secret,
            secret_access_key=secret,
            allow_http=True,
        )
    )


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (webhook, "no connection"),
        (mail, "127.0.0.1"),
        (nats, "connect call failed"),
        (no_program, "no program"),
        (not_executable, "no program"),
        (no_folder, "its folder is not there"),
        (no_file, "not a regular file"),
        (file_as_archive, "cannot be written"),
        (bucket, "cannot be written"),
    ],
)
async def test_what_stands_in_the_way_is_told(
    make: Callable[[Path, int], Handler], told: str, tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handlers.archive.buckets.RETRIES", {"max_retries": 0})
    found = await probed(make(tmp_path, closed_port), tmp_path)
    assert not found.works
    assert told in found.said.lower(), found.said
    assert "hush" not in found.said


def test_nothing_is_left_where_pictures_go(tmp_path: Path) -> None:
    assert asyncio.run(probed(Archive(Archive.Options(to="pictures")), tmp_path)).works
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


async def test_a_connection_is_opened_and_not_a_byte_is_sent(tmp_path: Path) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    async with server:
        found = await probed(webhook(tmp_path, server.sockets[0].getsockname()[1]), tmp_path)
        assert await asyncio.wait_for(heard, 30) == b""
    assert found.works
    assert "hush" not in found.said


async def test_a_mail_server_is_shown_the_password_and_no_mail(tmp_path: Path) -> None:
    def authenticate(_server: object, _session: object, _envelope: object, _how: str, data: Any) -> Any:
        from aiosmtpd.smtp import AuthResult  # only here

        return AuthResult(success=data.password == b"right", handled=False)

    mailbox = StrictMailbox()
    how: dict[str, Any] = {"authenticator": authenticate, "auth_require_tls": False}
    async with mail_server(mailbox, **how) as port:
        options = Email.Options(
            smtp=f"smtp://ada@127.0.0.1:{port}",
            password=Secret("right"),
            sender="bot@example.com",
            to=("ada@example.com",),
        )
        good = await probed(Email(options), tmp_path)
        wrong = msgspec.structs.replace(options, password=Secret("hush-hush"))
        bad = await probed(Email(wrong), tmp_path)
    assert good.works, good.said
    assert not bad.works
    assert "hush" not in bad.said
    assert not mailbox.mails


class Odd(Log):
    """A handler of somebody's own: what its probe does is `way`."""

    def __init__(self, way: str) -> None:
        super().__init__(NoOptions())
        self._way = way

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Hangs, breaks or is not reached."""
        if self._way == "hangs":
            await asyncio.Event().wait()
        if self._way == "breaks":
            raise RuntimeError("hush-hush-hush")
        raise NotSent("nobody there")


@pytest.mark.parametrize(
    ("way", "told"), [("hangs", "no answer within"), ("breaks", "RuntimeError"), ("silent", "nobody there")]
)
async def test_a_probe_that_hangs_or_breaks_is_told(way: str, told: str, tmp_path: Path) -> None:
    found = await probed(Odd(way), tmp_path, seconds=0.05)
    assert not found.works
    assert told in found.said
    assert "hush" not in found.said


async def test_a_handler_that_cannot_be_tried_is_left_alone(tmp_path: Path) -> None:
    found = await probed(Log(NoOptions()), tmp_path)
    assert found.works
    assert "gridhook test" in found.said
