"""A small internet of bad intentions: names, redirects and bodies that a guarded client must not fall for."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final, NamedTuple

import httpx
from PIL import Image

from handlers.http.foreign_names import ForeignNames

PUBLIC: Final = "93.184.216.34"
#: Addresses that no foreign URL may lead to.
PRIVATE_V4: Final = (
    "127.0.0.1",
    "10.0.0.7",
    "192.168.1.1",
    "172.20.3.4",
    "169.254.169.254",
    "100.100.100.200",
    "0.0.0.0",  # noqa: S104
)
PRIVATE_V6: Final = ("::1", "fe80::1", "fd00:ec2::254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "ff02::1", "::")


class Hostile(NamedTuple):
    """One address that a vendor may tell, and why it must be refused."""

    url: str
    code: str


def notations(address: str) -> Iterator[str]:
    """Every way in which systems read an IPv4 address in a URL."""
    a, b, c, d = (int(part) for part in address.split("."))
    number = (a << 24) | (b << 16) | (c << 8) | d
    yield address
    yield str(number)
    yield hex(number)
    yield f"{a:#x}.{b:#x}.{c:#x}.{d:#x}"
    yield f"0{a:o}.0{b:o}.0{c:o}.0{d:o}"
    yield f"{a}.{(b << 16) | (c << 8) | d}"
    yield f"{a}.{b}.{(c << 8) | d}"
    yield f"[::ffff:{address}]"
    yield f"[::{address}]"
    yield f"[::ffff:0:{address}]"
    yield f"[64:ff9b::{address}]"
    yield f"[2002:{number >> 16:x}:{number & 0xFFFF:x}::1]"
    yield "".join(chr(0x2460 + int(x) - 1) if x in "123456789" else x for x in address)  # circled digits


def png(width: int = 16, height: int = 16) -> bytes:
    """A picture as it should be."""
    file = io.BytesIO()
    Image.effect_noise((width, height), 50).convert("RGB").save(file, "PNG")
    return file.getvalue()


def png_that_says(width: int, height: int) -> bytes:
    """A file of some hundred bytes that claims to be huge."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 100)) + chunk(b"IEND", b"")


def webp_that_says(width: int, height: int) -> bytes:
    """The same as WebP."""
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + size
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


def jpeg_that_says(width: int, height: int) -> bytes:
    """The same as JPEG: the size stands behind the first mark of a frame."""
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "JPEG")
    body = bytearray(file.getvalue())
    at = body.index(b"\xff\xc0") + 5
    body[at : at + 4] = struct.pack(">HH", height, width)
    return bytes(body)


def png_with_text(size: int) -> bytes:
    """A picture whose comment is so many bytes once it is unpacked."""
    data = b"k\0\0" + zlib.compress(b"\0" * size)
    chunk = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    return GOOD[:33] + chunk + GOOD[33:]


GOOD: Final = png()
ZIP_AT_ITS_END: Final = b"PK\3\4" + b"\0" * 30 + b"PK\5\6" + b"\0" * 18
SVG: Final = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
#: Bodies that are no picture, and the word for each.
BODIES: Final[dict[str, tuple[bytes, str]]] = {
    "empty": (b"", "not_a_picture"),
    "html": (b"<!DOCTYPE html><title>Sign in</title>", "not_a_picture"),
    "json": (b'{"error": "expired"}', "not_a_picture"),
    "svg": (SVG, "not_a_picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not_a_picture"),
    "tiff": (b"II*\0" + b"\0" * 200, "not_a_picture"),
    "script-gif": (b"GIF89a/*\x01\0\x01*/=1;alert(document.cookie)//", "not_a_picture"),
    "page-png": (GOOD[:40] + b"<html><script>alert(1)</script>", "not_a_picture"),
    "zip-in-png": (GOOD[:33] + b"PK\3\4" + b"\0" * 300, "not_a_picture"),
    "truncated": (GOOD[: len(GOOD) // 2], "broken"),
    "flipped": (GOOD[:60] + bytes([GOOD[60] ^ 0xFF]) + GOOD[61:], "broken"),
    "bomb-png": (png_that_says(50_000, 50_000), "too_many_pixels"),
    "bomb-jpeg": (jpeg_that_says(65_000, 65_000), "too_many_pixels"),
    "bomb-in-text": (png_with_text(64_000_000), "broken"),
    "png-and-zip": (GOOD + ZIP_AT_ITS_END, "not_a_picture"),
    "png-and-page": (GOOD + b"<html><script>alert(1)</script>", "not_a_picture"),
    "bomb-webp": (webp_that_says(16_000, 16_000), "too_many_pixels"),
    "bomb-gif": (
        b"GIF89a\xff\xff\xff\xff\x80\0\0" + b"\0" * 6 + b",\0\0\0\0\xff\xff\xff\xff\0\2\2L\1\0;",
        "too_many_pixels",
    ),
}
#: Longest body that the test lets the client take, bytes.
MAX_BYTES: Final = 200_000


class BadInternet:
    """The other side of everything: looks names up, answers, and notes where it was really called."""

    def __init__(self) -> None:
        self.called: list[str] = []
        self._rebound: set[str] = set()
        self._names = ForeignNames()

    async def look_up(self, host: str, port: int) -> list[str]:
        """A name is made of what it leads to; numbers are read by the system."""
        name = host.removesuffix(".test")
        if name == host:
            return await self._names.look_up(host, port)
        if name.startswith("rebind"):
            # Public when it is judged, private a moment later.
            again = name in self._rebound
            self._rebound.add(name)
            return ["127.0.0.1" if again else PUBLIC]
        if name.startswith("mixed"):
            return [PUBLIC, "10.0.0.7"]
        if name.startswith("to-"):
            return [name.removeprefix("to-").replace("_", ":").replace("-", ".")]
        return [PUBLIC]

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What each path of it leads to."""
        self.called.append(request.url.host)
        kind, _, rest = request.url.path.lstrip("/").partition("/")
        match kind:
            case "body":
                return httpx.Response(200, content=BODIES[rest][0], headers={"content-type": "image/png"})
            case "redirect":
                return httpx.Response(302, headers={"location": request.url.query.decode()})
            case "again":
                return httpx.Response(302, headers={"location": f"/again/{int(rest) + 1}"})
            case "endless":
                return httpx.Response(200, content=_endless())
            case "encoded":
                return httpx.Response(200, content=_once(gzip.compress(GOOD)), headers={"content-encoding": "gzip"})
            case "status":
                return httpx.Response(int(rest))
        return httpx.Response(200, content=GOOD)


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _endless() -> AsyncIterator[bytes]:
    while True:
        yield b"\x89PNG" * 4096


def hostile_cases(seed: int, count: int) -> Iterator[Hostile]:
    """So many addresses, each to be refused, and why; the same for the same seed."""
    dice = random.Random(seed)  # noqa: S311
    made: list[Callable[[], Hostile]] = [
        lambda: _private(dice),
        lambda: _private(dice),
        lambda: _redirected(dice),
        lambda: _named(dice),
        lambda: _no_address(dice),
        lambda: _body(dice),
        lambda: _body(dice),
    ]
    for _ in range(count):
        yield dice.choice(made)()


def _place(dice: random.Random) -> str:
    port = dice.choice(["", "", ":80", ":8080", ":22", ":6379"])
    return port + dice.choice(["/", "/latest/meta-data/", f"/{dice.random()}.png", "/x?y=z#frag"])


def _private_host(dice: random.Random) -> str:
    if dice.random() < 0.25:
        return f"[{dice.choice(PRIVATE_V6)}]"
    return dice.choice(list(notations(dice.choice(PRIVATE_V4))))


def _private(dice: random.Random) -> Hostile:
    return Hostile(f"{dice.choice(['http', 'https', 'HTTP'])}://{_private_host(dice)}{_place(dice)}", "address")


def _redirected(dice: random.Random) -> Hostile:
    inner = _private(dice)
    url = inner.url.replace("https", "http").replace("HTTP", "http")
    for _ in range(dice.randint(1, 3)):
        url = f"http://ok.test/redirect/?{url.partition('#')[0]}"
    return Hostile(url, "address")


def _named(dice: random.Random) -> Hostile:
    if dice.random() < 0.3:
        return Hostile(f"http://mixed{dice.random()}.test/", "address")
    address = dice.choice([*PRIVATE_V4, *PRIVATE_V6])
    return Hostile(f"https://to-{address.replace('.', '-').replace(':', '_')}.test{_place(dice)}", "address")


def _no_address(dice: random.Random) -> Hostile:
    return dice.choice(
        [
            Hostile("file:///etc/passwd", "scheme"),
            Hostile("gopher://ok.test/_x", "scheme"),
            Hostile("//ok.test/x.png", "scheme"),
            Hostile("data:image/png;base64,AAAA", "scheme"),
            Hostile("http://ok.test\\@127.0.0.1/", "scheme"),
            Hostile("http://ok.test/\r\nX: y", "scheme"),
            Hostile("http://", "scheme"),
            Hostile("http://ok.test:0/", "scheme"),
            Hostile("http://ok.test:99999/", "scheme"),
            Hostile("http://[::1/", "scheme"),
            Hostile("http://ok.test/" + "x" * 9000, "scheme"),
            Hostile("http://me:secret@ok.test/", "credentials"),
            Hostile("http://127.0.0.1@ok.test/", "credentials"),
            Hostile("http://[fe80::1%25lo]/", "address"),
            Hostile("http://ok.test/again/1", "redirects"),
            Hostile("https://ok.test/redirect/?http://ok.test/x.png", "redirects"),
            Hostile("http://ok.test/redirect/?", "redirects"),
            Hostile("http://ok.test/redirect/?file:///etc/passwd", "scheme"),
            Hostile("http://ok.test/redirect/?http://me:you@ok.test/", "credentials"),
            Hostile("http://ok.test/endless", "too_long"),
            Hostile("http://ok.test/encoded", "encoded"),
            Hostile(f"http://ok.test/status/{dice.choice([204, 206, 304, 400, 401, 403, 404, 410])}", "status"),
            Hostile(f"http://rebind{dice.random()}.test/redirect/?/x.png", "address"),
        ]
    )


def _body(dice: random.Random) -> Hostile:
    name = dice.choice(list(BODIES))
    url = f"http://ok.test/body/{name}"
    return Hostile(dice.choice([url, f"http://ok.test/redirect/?{url}"]), BODIES[name][1])
