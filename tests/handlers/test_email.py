"""E-mail: what the mail holds, what replies mean, and that nothing is said in clear."""

from __future__ import annotations

import io
import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import httpx
import pytest
from PIL import Image as PillowImage

from handlers.email import Email, MailServer, check_mailbox, check_server, server_of
from handlers.http.transport import HttpTransport
from receiver.errors import OptionError
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Dead, Delivered, Outcome
from receiver.model.jobs import Image
from support.delivering import Bound, outgoing, strange_event
from support.strict_sinks import StrictMailbox, mail_server

TO = ("ada@example.com", "Bob <bob@example.com>")


def email(port: int, **options: Any) -> Bound:
    given = {"smtp": f"smtp://127.0.0.1:{port}", "sender": "bot@example.com", "to": TO, **options}
    return Bound(Email(Email.Options(**given)), with_pictures(*[httpx.Response(404)] * 3), 0, 10.0)


def with_pictures(*answers: httpx.Response) -> HttpTransport:
    """A network where one picture after the other is answered so."""
    left = list(answers)
    return HttpTransport(httpx.MockTransport(lambda _request: left.pop(0)))


def painted(width: int, height: int, kind: str) -> httpx.Response:
    file = io.BytesIO()
    PillowImage.new("RGB", (width, height), "red").save(file, kind)
    return httpx.Response(200, content=file.getvalue())


async def mailed_with(*answers: httpx.Response, **fields: Any) -> EmailMessage:
    box = StrictMailbox()
    async with mail_server(box) as port:
        options = Email.Options(smtp=f"smtp://127.0.0.1:{port}", sender="bot@example.com", to=TO)
        outcome = await Bound(Email(options), with_pictures(*answers), 0, 20.0).deliver(outgoing(**fields))
    assert outcome == Delivered()
    (mail,) = box.mails
    return message_from_bytes(mail, policy=policy.default)


async def test_the_picture_is_within_the_mail_and_nothing_is_loaded() -> None:
    mail = await mailed_with(painted(1600, 900, "WEBP"), prompt='a <b>&"fox"</b>')
    page = mail.get_body(("html",))
    plain = mail.get_body(("plain",))
    assert page is not None
    assert plain is not None
    text = page.get_content()
    assert "a &lt;b&gt;&amp;&quot;fox&quot;&lt;/b&gt;" in text
    assert re.findall(r'src="([^"]+)"', text) == ["cid:picture@gridhook.invalid"]
    assert "https://cdn.example.com/1.png" in plain.get_content()
    (picture,) = [part for part in mail.walk() if part.get_content_type() == "image/jpeg"]
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<picture@gridhook.invalid>", "inline")
    with PillowImage.open(io.BytesIO(picture.get_content())) as shown:
        assert shown.size == (800, 450)


async def test_one_bad_picture_never_loses_the_mail_and_the_next_is_shown() -> None:
    pictures = tuple(Image(index=at, url=f"https://cdn.example.com/{at}.png") for at in (1, 2))
    shown = await mailed_with(httpx.Response(200, content=b"<html>"), painted(4, 4, "PNG"), images=pictures)
    assert [part.get_content_type() for part in shown.walk()].count("image/jpeg") == 1
    for answer in (httpx.Response(404), httpx.Response(200, content=b"\xff\xd8\xff broken"), httpx.Response(503)):
        mail = await mailed_with(answer)
        assert mail.get_content_type() == "text/plain"
        assert "https://cdn.example.com/1.png" in mail.get_content()


async def mailed(box: StrictMailbox, event: Any = None, **options: Any) -> tuple[Outcome, list[EmailMessage]]:
    async with mail_server(box) as port:
        outcome = await email(port, **options).deliver(outgoing(event))
    return outcome, [message_from_bytes(mail, policy=policy.default) for mail in box.mails]


async def test_a_job_is_a_mail_with_links_and_the_same_id_over_all_tries() -> None:
    outcome, (mail,) = await mailed(StrictMailbox())
    assert outcome == Delivered()
    assert (mail["From"], mail["To"]) == ("bot@example.com", "ada@example.com, Bob <bob@example.com>")
    assert (mail["Subject"], mail["Auto-Submitted"]) == ("pick of journey: completed", "auto-generated")
    assert (mail["Message-ID"], mail["References"]) == ("<evt_01@gridhook.invalid>", "<job_01@gridhook.invalid>")
    lines = mail.get_content().splitlines()
    assert lines == [
        "pick of journey: completed",
        "",
        "Prompt: a garden",
        "Job: job_01",
        "https://cdn.example.com/1.png",
    ]


async def test_subject_and_text_are_the_operators_and_no_header_can_be_put_in() -> None:
    subject, text = "{{ job.status }}: {{ job.prompt | truncate(60) }}", "{{ job.prompt }}"
    _, (mail,) = await mailed(StrictMailbox(), strange_event(), subject=subject, text=text)
    assert mail["Subject"].startswith("completed: ")
    assert mail["Bcc"] is None
    assert "\n" not in mail["Subject"]


async def test_recipients_that_are_refused_are_told_and_all_of_them_is_final() -> None:
    some, _ = await mailed(StrictMailbox(frozenset({"ada@example.com"})))
    assert some == Delivered(note="1 of 2 recipients were refused")
    every, _ = await mailed(StrictMailbox(frozenset({"ada@example.com", "bob@example.com"})))
    assert every == Dead(note="SMTP 550: all recipients were refused (550, 550)")


@pytest.mark.parametrize(("reply", "outcome"), [("451 later", Again), ("554 never", Dead)])
async def test_a_reply_says_whether_to_try_again(reply: str, outcome: type[Outcome]) -> None:
    found, _ = await mailed(StrictMailbox(reply=reply))
    assert found == outcome(note=f"SMTP {reply[:3]}: {reply[4:]}")


async def test_a_server_that_is_not_there_is_for_later() -> None:
    async with mail_server(StrictMailbox()) as port:
        pass
    assert isinstance(await email(port).deliver(outgoing()), Again)


async def test_to_any_other_machine_nothing_goes_in_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    box = StrictMailbox()
    monkeypatch.setattr("handlers.email._is_loopback", lambda _host: False)
    outcome, _ = await mailed(box)
    assert isinstance(outcome, Again)
    assert "STARTTLS" in outcome.note
    assert box.mails == []


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("smtps://bot@mail.example.com:465", MailServer("mail.example.com", 465, "bot", True)),
        ("smtp://mail.example.com", MailServer("mail.example.com", 587, None, False)),
        ("smtps://bot%40example.com@mail.example.com", MailServer("mail.example.com", 465, "bot@example.com", True)),
    ],
)
def test_an_address_of_a_server_is_read(text: str, server: MailServer) -> None:
    assert server_of(text, "smtp") == server


@pytest.mark.parametrize(
    "text",
    ["mail.example.com", "http://x.example", "smtp://", "smtp://x:0", "smtp://x:y", "smtps://a:hush@x", "smtp://x/y"],
)
def test_what_is_no_address_of_a_server_is_told(text: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_server(text)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "ada", "@x", "a@", "a@b\nBcc: c@d", "a@b, c@d"])
def test_what_is_no_mailbox_is_told(text: str) -> None:
    with pytest.raises(OptionError):
        check_mailbox(text)


def test_a_user_and_a_password_go_together() -> None:
    for options in ({"smtp": "smtps://bot@x"}, {"password": Secret("x")}):
        with pytest.raises(OptionError, match="go together"):
            email(1, **options)
