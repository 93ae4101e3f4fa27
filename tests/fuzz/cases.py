"""Cases: what is sent over one connection, and what must become of it."""

from __future__ import annotations

import json
from random import Random
from typing import Final, Literal, NamedTuple

from support.picks import PICK

#: Configured for the source `journey`.
SECRET: Final = "hook-secret-0123456789"
#: Must be kept; must not be; anything but a fault.
Fate = Literal["genuine", "forged", "odd"]
Ending = Literal["read", "half_close", "hang_up", "reset"]

WORDS: Final = ("a", "x-forwarded-for", "user-agent", "accept", "cookie", "authorization", "content-type", "te")
PATHS: Final = (
    "/", "/healthz", "/readyz", "/metrics", "/api/v1/jobs", "/api/v1/stream", "/api/v1/openapi.json", "/api/v1/refused",
    "/in/", "/in/journey", "/in/nobody", "/in/journey/x/y", "//in/journey", "/in/../api/v1/jobs", "/in/%2e%2e/metrics",
    "/slack/actions", "*", "http://a/in/journey", "http://", "/in/%ff", "/\x00", "/in/journey?%", "/login",
)  # fmt: skip
METHODS: Final = (
    "GET",
    "POST",
    "PUT",
    "HEAD",
    "OPTIONS",
    "DELETE",
    "PATCH",
    "TRACE",
    "CONNECT",
    "PRI",
    "BREW",
    "get",
    "",
)
LENGTHS: Final = ("", "-1", "+5", "0x10", "1e3", "5, 5", "5 5", "\xb2")
CODINGS: Final = ("gzip", "gzip, chunked", "chunked, gzip", "xchunked", "chunked;a=b", "")


class Request(NamedTuple):
    """One request, as bytes."""

    data: bytes
    fate: Fate
    #: Of its task; None = it names none that is looked for.
    task: str | None = None
    #: True if the connection must end with its answer.
    is_last: bool = False


class Case(NamedTuple):
    """What is sent over one connection."""

    number: int
    requests: tuple[Request, ...]
    #: In pieces of this size; 0 = in one piece.
    step: int
    ending: Ending


class Cases:
    """Makes cases, the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def case(self, number: int) -> Case:
        """One of them."""
        return Maker(Random(f"{self._seed}/{number}"), self._seed, number).case()


class Maker:
    """Makes one case."""

    def __init__(self, random: Random, seed: int, number: int) -> None:
        self._random = random
        self._seed = seed
        self._number = number
        self._made = 0

    def case(self) -> Case:
        """The case."""
        random = self._random
        requests = [self._harmless() for _ in range(random.choice((0, 0, 1, 1, 2, 5, 20)))]
        if not requests or (random.random() < 0.5 and not requests[-1].is_last):
            requests.append(self._odd())
        for at, request in enumerate(requests):
            if request.is_last:
                del requests[at + 1 :]
                break
        ending: Ending = random.choice(("hang_up", "reset")) if random.random() < 0.1 else "read"
        if ending == "read" and (requests[-1].fate == "odd" or random.random() < 0.2):
            ending = "half_close"
        step = random.choice((0, 0, 0, 1, 7, 100, 1000, 9000))
        size = sum(len(request.data) for request in requests)
        return Case(self._number, tuple(requests), max(step, size // 300 if step else 0), ending)

    # --- whose fate is known

    def _harmless(self) -> Request:
        return self._genuine() if self._random.random() < 0.5 else self._forged()

    def _task(self, kind: int) -> str:
        self._made += 1
        return f"{kind:08x}-{self._seed & 0xFFFF:04x}-4{self._made:03x}-8000-{self._number:012x}"

    def _body(self, task: str) -> bytes:
        return json.dumps({**PICK, "task_id": task}, indent=self._random.choice((None, None, 1, 30))).encode()

    def _genuine(self) -> Request:
        random, task = self._random, self._task(1)
        blanks = random.choice(("", " ", "\t ", "   "))
        headers = [f"{_cased(random, 'x-webhook-secret')}:{blanks}{SECRET}{blanks}"] * random.choice((1, 1, 1, 2))
        path = random.choice(
            (
                "/in/journey",
                "/in/journey/",
                "/in/journey/callback",
                "/in/journey?a=%20b",
                "/in/%6aourney",
                "http://a:1/in/journey",
            )
        )
        return self._webhook(path, headers, self._body(task), "genuine", task)

    def _forged(self) -> Request:
        random, task = self._random, self._task(2)
        body, trailers, path = self._body(task), b"", "/in/journey"
        wrong = random.choice(
            ("", "x", SECRET[:-1], SECRET + "x", SECRET.upper(), f"{SECRET},{SECRET}", "\xff", f"Bearer {SECRET}")
        )
        headers = random.choice(
            (
                [],
                [f"x-webhook-secret: {wrong}"],
                [f"x-webhook-secret: {SECRET}", f"x-webhook-secret: {wrong}"],
                [f"x_webhook_secret: {SECRET}"],
                [f"x-webhook-secret-: {SECRET}"],
                [f"authorization: Bearer {SECRET}"],
                [f"cookie: x-webhook-secret={SECRET}"],
            )
        )
        if random.random() < 0.2:
            headers, path = (
                [f"x-webhook-secret: {SECRET}"],
                random.choice(("/in/journey/" + "0" * 39, "/in/nobody", "/in/journey/a/b")),
            )
        elif random.random() < 0.2:
            headers, path = [], f"/in/journey?x-webhook-secret={SECRET}"
        elif random.random() < 0.2:
            headers, trailers = [], f"X-Webhook-Secret: {SECRET}\r\n".encode()
        return self._webhook(path, headers, body, "forged", task, trailers)

    def _webhook(
        self, path: str, headers: list[str], body: bytes, fate: Fate, task: str, trailers: bytes = b""
    ) -> Request:
        random = self._random
        lines = [*headers, *self._extras()]
        version, is_last = "1.1", False
        if trailers or random.random() < 0.3:
            lines.append(_cased(random, "Transfer-Encoding: chunked"))
            body = _chunked(random, body, trailers or random.choice((b"", b"a: b\r\nhost: c\r\n")))
        else:
            lines.append(f"content-length: {len(body)}")
            if random.random() < 0.05:
                version, is_last = "1.0", True
        if random.random() < 0.05:
            lines.append("expect: 100-continue")
        if random.random() < 0.05:
            lines += ["connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMA"]
        elif random.random() < 0.05:
            lines.append("connection: close")
            is_last = True
        random.shuffle(lines)
        head = "\r\n".join([f"POST {path} HTTP/{version}", "host: a", *lines, "", ""])
        return Request(head.encode("latin-1") + body, fate, task, is_last)

    def _extras(self) -> list[str]:
        random = self._random
        if random.random() < 0.7:
            return []
        return [f"x-{number}: {'y' * random.choice((0, 1, 50, 500))}" for number in range(random.choice((1, 5, 40)))]

    # --- anything

    def _odd(self) -> Request:
        random = self._random
        makers = (self._bent, self._framed_wrong, self._other, self._large, self._noise, self._no_json)
        (made,) = random.choices(makers, (4, 2, 2, 1, 1, 1))
        return Request(made(), "odd", None, True)

    def _bent(self) -> bytes:
        """Something whose fate was known, with some of its bytes changed."""
        random, data = self._random, bytearray(self._harmless().data)
        for _ in range(random.choice((1, 1, 2, 5, 30))):
            at = random.randrange(len(data) + 1)
            end = min(len(data), at + random.choice((1, 1, 2, 10, 200)))
            how = random.randrange(5)
            if how == 0:
                data[at:end] = random.randbytes(end - at)
            elif how == 1:
                del data[at:end]
            elif how == 2:
                data[at:at] = data[at:end]
            elif how == 3:
                data[at:at] = random.choice(
                    (b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b",", b"\x7f", b"\xff", b"0\r\n\r\n")
                )
            else:
                del data[at + random.randrange(400) :]
        return bytes(data)

    def _framed_wrong(self) -> bytes:
        random = self._random
        body = self._body(self._task(3))
        wrong: list[str] = random.choice(
            (
                [f"content-length: {len(body) + random.choice((-1, 1, 100, 9_000_000, 10**18, 10**25))}"],
                [f"content-length: {random.choice(LENGTHS)}"],
                ["content-length: 5", "content-length: 6"],
                [f"content-length: {len(body)}", "transfer-encoding: chunked"],
                [f"transfer-encoding: {random.choice(CODINGS)}"],
                ["transfer-encoding: chunked", "transfer-encoding: chunked"],
                ["transfer-encoding: chunked"],
                [],
            )
        )
        if wrong == ["transfer-encoding: chunked"]:
            size = random.choice(
                (b"-1", b"fffffffffffffffff", b"zz", b" 5", b"5 ", b"", b"0x5", b"5;" + b"x" * 9000, b"1" * 40)
            )
            body = size + b"\r\n" + body + b"\r\n0\r\n\r\n"
        hosts = random.choice((["host: a"], ["host: a"], [], ["host: a", "host: b"], ["host: a b"], ["host:"]))
        lines = ["POST /in/journey HTTP/1.1", *hosts, f"x-webhook-secret: {SECRET}", *wrong, "", ""]
        return "\r\n".join(lines).encode("latin-1") + body

    def _large(self) -> bytes:
        """Too much of something."""
        random = self._random
        many = random.choice((100, 140, 1000))
        size = random.choice((30_000, 33_000, 70_000, 300_000))
        start = b"POST /in/journey HTTP/1.1\r\nhost: a\r\nx-webhook-secret: " + SECRET.encode() + b"\r\n"
        return random.choice(
            (
                start + b"x: " + b"y" * size,
                start + b"x: " + b"y" * size + b"\r\n\r\n",
                start + b"x" * size,
                start + b"".join(b"x-%d: y\r\n" % one for one in range(many)) + b"\r\n",
                b"POST /in/journey?" + b"a" * size,
                b"G" * size,
                b"\r\n" * (size // 2),
                start + b"transfer-encoding: chunked\r\n\r\n5;" + b"e" * size,
                start + b"transfer-encoding: chunked\r\n\r\n" + b"1\r\n \r\n" * (size // 6),
                start + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n" + b"trailer: " + b"t" * size,
                start + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n0\r\n" + b"t: x\r\n" * (size // 6),
                start + b"content-length: 9000000\r\n\r\n" + b" " * size,
                b"GET / HTTP/1.1\r\nhost: a\r\n\r\n" * random.choice((50, 1000)),
            )
        )

    def _other(self) -> bytes:
        """Something else than a webhook, without a right to anything."""
        random = self._random
        token = random.choice(("", "x", "Bearer", f"Bearer {SECRET}", "Basic eDp5", "\xff"))
        body = random.choice((b"", b"{}", b'{"source":"journey","action":"imagine"}', b"[" * 500))
        version = random.choice(("1.1", "1.1", "1.0", "2.0", "9", ""))
        lines = [f"{random.choice(METHODS)} {random.choice(PATHS)} HTTP/{version}"]
        lines += ["host: a", f"{random.choice(WORDS)}: {token}", f"authorization: {token}"]
        if random.random() < 0.3:
            trailer = b"authorization: Bearer a-token-for-the-api-0123456789\r\n"
            return "\r\n".join([*lines, "transfer-encoding: chunked", "", ""]).encode("latin-1") + _chunked(
                random, body, trailer
            )
        return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode("latin-1") + body

    def _noise(self) -> bytes:
        random = self._random
        return random.choice(
            (b"", b"\x16\x03\x01", b"GET ", b"SSH-2.0-x\r\n", b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n")
        ) + random.randbytes(random.choice((0, 1, 30, 3000)))

    def _no_json(self) -> bytes:
        random = self._random
        body = random.choice(
            (
                b"", b"{", b"NaN", b"[" * 5000, b'"\\ud800"', b"\xff\xfe{\0}\0", b"\xef\xbb\xbf{}", b"{}{}",
                b"1" * 5000, b"null", b'{"a":1e999}',
                b'{"task_id":{}}', b'{"task_id":"' + b"x" * 9000 + b'","status":"finished"}',
                b'{"\\u0000":"\\u0000"}',
                b'{"task_id":"a","status":"finished","image_urls":[1,null,{}]}', random.randbytes(50),
            )
        )  # fmt: skip
        head = (
            f"POST /in/journey HTTP/1.1\r\nhost: a\r\nx-webhook-secret: {SECRET}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def _cased(random: Random, text: str) -> str:
    return random.choice((text, text, text.lower(), text.upper(), text.title()))


def _chunked(random: Random, body: bytes, trailers: bytes) -> bytes:
    pieces: list[bytes] = []
    while body:
        size = min(len(body), random.choice((1, 3, 100, 1000)) if len(pieces) < 300 else 10_000)
        extension = random.choice((b"", b"", b";a", b';a="b c"', b";a=b;c=d"))
        pieces.append(b"%x%b\r\n%b\r\n" % (size, extension, body[:size]))
        body = body[size:]
    return b"".join((*pieces, b"0\r\n", trailers, b"\r\n"))
