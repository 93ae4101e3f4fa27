"""A sample needs nobody's server: its picture is drawn here."""

from __future__ import annotations

from pathlib import Path

import httpx
import msgspec

from handlers.archive import Archive
from handlers.http.transport import HttpTransport
from receiver.contracts import Sink
from receiver.lib.pictures import examine
from receiver.model.deliveries import Again, Delivered, Outcome
from receiver.model.samples import SAMPLE_PICTURE, sample_event
from receiver.workers.checks.sample_delivery import deliver_sample
from support.delivering import Bound

NOW = "2026-11-21T10:00:00.000Z"


def nothing_is_there(_request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no network")


async def sampled(folder: Path, picture: str) -> Outcome:
    handler = Archive(Archive.Options(to="pictures"))
    context = Bound(handler, HttpTransport(httpx.MockTransport(nothing_is_there)), 0).context
    sink = Sink(name="pictures", handler=handler)
    event = sample_event("evt_01", "job_01", NOW, picture)
    return await deliver_sample(sink, event, msgspec.structs.replace(context, folder=folder))


async def test_an_archive_keeps_the_sample_without_a_network(tmp_path: Path) -> None:
    assert isinstance(await sampled(tmp_path, SAMPLE_PICTURE), Delivered)
    (file,) = (tmp_path / "pictures").rglob("*.png")
    facts = examine(file.read_bytes())
    assert (facts.type, facts.width, facts.height) == ("image/png", 512, 512)


async def test_another_picture_is_fetched_as_ever(tmp_path: Path) -> None:
    assert isinstance(await sampled(tmp_path, "https://x.example/p.png"), Again)
