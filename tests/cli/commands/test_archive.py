"""`archive --missing`: what it copies, what it says of the rest, and what it refuses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from cli.parts import GRID, configured, done, run, values, webhook
from support.hostile_pictures import png

ARCHIVE = '[network]\nallow = ["127.0.0.0/8"]\n[sinks.pictures]\nhandler = "archive"\nto = "pictures"\n'


class Vendor(BaseHTTPRequestHandler):
    """Has one picture, and no other."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Says nothing."""

    def do_GET(self) -> None:
        body = png(8, 8) if self.path == "/grid.png" else b""
        self.send_response(200 if body else 410)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def a_vendor() -> Iterator[str]:
    """The address of one that runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Vendor) as server:
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def told(base: str) -> dict[str, object]:
    return {**GRID, "original_image_url": f"{base}/grid.png", "image_urls": [f"{base}/{one}.png" for one in range(4)]}


def test_it_copies_what_is_there_and_says_what_is_not(tmp_path: Path) -> None:
    configured(tmp_path, ARCHIVE)
    with a_vendor() as base:
        webhook(tmp_path, told(base))
        [first] = values(run(tmp_path, "archive", "--missing", "--json"))
        assert (first["sink"], first["jobs"], first["copied"]) == ("pictures", 1, 1)
        assert "image 1: 127.0.0.1: HTTP 410" in first["left"][0]["reason"]
        again = done(run(tmp_path, "archive", "--missing", "--sink", "pictures"))
    assert again.splitlines()[-1].startswith("0 pictures copied to pictures, of 1 jobs that lacked some; 1 of them")
    [job] = values(run(tmp_path, "jobs", "--json"))
    assert len(list((tmp_path / "pictures").rglob("grid-0.png"))) == 1
    assert job["status"] == "completed"


def test_nothing_to_do_is_said(tmp_path: Path) -> None:
    configured(tmp_path, ARCHIVE)
    assert done(run(tmp_path, "archive", "--missing")) == "pictures has every picture already\n"


@pytest.mark.parametrize(
    ("more", "args", "said"),
    [
        (ARCHIVE, (), "--missing"),
        ("", ("--missing",), "no archive is configured"),
        (ARCHIVE, ("--missing", "--sink", "picture"), "pictures"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, more: str, args: tuple[str, ...], said: str) -> None:
    configured(tmp_path, more)
    refused = run(tmp_path, "archive", *args)
    assert refused.exit_code == 2
    assert said in refused.output
