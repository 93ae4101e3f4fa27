"""Calls as they are written."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.http1 import read_request
from handlers.http.requests import OURS, write
from receiver.contracts import Call
from receiver.errors import NotSent

URL = "https://hooks.example.com:8443/in?x=1"


def written(**given: object) -> list[str]:
    """The lines of a call's head."""
    call = Call(**{"method": "POST", "url": URL, "body": b"{}"} | given)  # type: ignore[arg-type]
    head, _, body = write(call).as_bytes().partition(b"\r\n\r\n")
    assert body == (call.body or b"")
    return head.decode().split("\r\n")


def test_a_call_is_written_with_what_http_wants_of_it() -> None:
    assert written(headers={"X-Key": "1"}) == [
        "POST /in?x=1 HTTP/1.1",
        "host: hooks.example.com:8443",
        "user-agent: gridhook",
        "accept-encoding: identity",
        "x-key: 1",
        "content-length: 2",
    ]


@pytest.mark.parametrize(
    ("method", "body", "length"), [("GET", None, None), ("DELETE", None, None), ("POST", None, 0), ("PUT", b"", 0)]
)
def test_a_call_without_a_body_says_so_where_one_is_expected(
    method: str, body: bytes | None, length: int | None
) -> None:
    said = [line for line in written(method=method, body=body) if line.startswith("content-length")]
    assert said == ([] if length is None else [f"content-length: {length}"])


def test_a_call_may_say_more_of_itself_and_name_another_host() -> None:
    lines = written(headers={"User-Agent": "other", "Host": "inside.test", "Accept-Encoding": "gzip"})
    assert lines[1:] == ["user-agent: other", "accept-encoding: gzip", "host: inside.test", "content-length: 2"]


def test_user_and_password_go_into_a_header_unless_the_call_has_its_own() -> None:
    url = URL.replace("https://", "https://ann:s%C3%A9same@")
    basic = base64.b64encode("ann:sésame".encode()).decode()
    assert f"authorization: Basic {basic}" in written(url=url)
    assert [line for line in written(url=url, headers={"Authorization": "Bearer x"}) if "authorization" in line] == [
        "authorization: Bearer x"
    ]


@pytest.mark.parametrize("name", ["", "with space", "with:colon", "new\nline", "größe", 'quo"te', "tab\t"])
def test_what_is_no_name_of_a_header_is_not_sent(name: str) -> None:
    with pytest.raises(NotSent, match="a name that HTTP does not allow"):
        write(Call(method="GET", url=URL, headers={name: "x"}))


@pytest.mark.parametrize("name", sorted(OURS))
def test_what_would_frame_the_request_otherwise_is_not_for_a_call_to_say(name: str) -> None:
    with pytest.raises(NotSent, match=f"{name} is no header for a call to say"):
        write(Call(method="POST", url=URL, headers={name.title(): "1"}, body=b""))


@pytest.mark.parametrize("value", [1, None, b"x"])
def test_what_is_no_text_is_not_sent(value: object) -> None:
    with pytest.raises(NotSent, match="no text"):
        write(Call(method="GET", url=URL, headers={"x": value}))  # type: ignore[dict-item]


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=20), max_size=4), st.binary(max_size=50))
def test_whatever_goes_out_is_one_request(headers: dict[str, str], body: bytes) -> None:
    try:
        whole = write(Call(method="POST", url=URL, headers=headers, body=body)).as_bytes()
    except NotSent:
        return
    read = read_request(whole)
    assert read is not None
    assert read[1] == body
    assert whole.partition(b"\r\n\r\n")[0].count(b"\r\n") == len(read[0])
