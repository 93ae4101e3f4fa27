"""Pictures that come within a report: kept beside the job, so that nothing but their address goes on."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import msgspec
import structlog

from receiver.contracts import Transaction
from receiver.lib.pictures import HEAD, picture_type
from receiver.model.inline_pictures import inline_address, inline_sha256
from receiver.model.jobs import Image, Report

log = structlog.get_logger("intake")

#: What a picture that is no address begins with, as providers report it; what follows is base64.
DATA: Final = "data:"
#: Bytes that all such pictures of one report may have.
MOST_BYTES: Final = 32 * 1024**2


def without_inline(tx: Transaction, number: int, report: Report) -> Report:
    """A report with addresses in place of pictures, which are kept as those of the job `number`.

    What is no picture, or more than `MOST_BYTES` in all, is left out, with a line in the log.
    """
    urls = (report.grid_url or "", *(image.url for image in report.images))
    if not any(url.startswith(DATA) for url in urls):
        return report
    room = MOST_BYTES
    kept: dict[str, str | None] = {}
    for url in dict.fromkeys(urls):
        if url.startswith(DATA):
            kept[url], used = _kept(tx, number, url, room)
            room -= used
    told = [(image, kept.get(image.url, image.url)) for image in report.images]
    places = [place for place, (_, url) in enumerate(told) if url is not None]
    if len(places) < len(told):
        log.warning("picture.left_out", job=number, pictures=len(told) - len(places))
    images = tuple(_at(image, url) for image, url in told if url is not None)
    items = tuple(report.items[place] for place in places if place < len(report.items))
    grid = kept.get(report.grid_url, report.grid_url) if report.grid_url else None
    return msgspec.structs.replace(report, grid_url=grid, images=images, items=items)


def _kept(tx: Transaction, number: int, url: str, room: int) -> tuple[str | None, int]:
    """The address under which a picture is kept, and its length; None if it is not."""
    text = url.partition(",")[2]
    if len(text) // 4 * 3 > room + HEAD:
        return None, 0
    try:
        body = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None, 0
    if picture_type(body[:HEAD]) is None or len(body) > room:
        return None, 0
    address = inline_address(body)
    tx.add_inline_picture(number, inline_sha256(address) or b"", body)
    return address, len(body)


def _at(image: Image, url: str) -> Image:
    return image if image.url == url else msgspec.structs.replace(image, url=url)
