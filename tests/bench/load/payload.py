"""What every contestant is sent: a completed JourneyAPI task of 1.2 KB, another task id in each request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

#: Bytes of the JSON body.
SIZE: Final = 1200
#: The secret that is sent in `x-webhook-secret`.
SECRET: Final = "bench-hook-secret-0123456789"  # only ever used on loopback
#: What the sinks' messages are signed with: `whsec_` and 24 bytes in base64.
SINK_SECRET: Final = "whsec_YmVuY2gtc2luay1zZWNyZXQtMDEyMzQ1"  # likewise
#: Stands where the task id will be: 8 characters of the run, then the number of the request in 12 hex digits.
PLACE: Final = "PPPPPPPP-0000-4000-8000-NNNNNNNNNNNN"
#: The path of each picture, as the vendor's documents show it (seed 001).
PICTURES: Final = "https://cdn.midjourney.com/5f3c9a20-8c1e-4d0b-9f0a-2b7d6f1e4c55"


def body(*, picks: bool = False) -> bytes:
    """Returns the JSON text with `PLACE` for the task id: the `/fetch` object (documented), padded by a long prompt."""
    task: dict[str, object] = {
        "task_id": PLACE,
        "task_type": "imagine",
        "model": "midjourney",
        "status": "finished",
        "percentage": "100",
        "original_image_url": f"{PICTURES}/grid_0.png",
        "image_urls": [f"{PICTURES}/0_{tile}.png" for tile in range(4)],
        "prompt": "",
    }
    if picks:
        task |= {"task_type": "upscale-1x", "original_image_url": None, "image_urls": [f"{PICTURES}/0_0.png"]}
    room = SIZE - len(msgspec.json.encode(task))
    words = "a lighthouse on a cliff at dawn, long exposure, mist over the sea, warm light in the window, "
    return msgspec.json.encode({**task, "prompt": (words * (room // len(words) + 1))[:room]})


def task_id(prefix: str, number: int) -> str:
    """Returns the task id of one request. `prefix` has 8 hex digits."""
    return f"{prefix}-0000-4000-8000-{number:012x}"


def request_parts(path: str, headers: Mapping[str, str], prefix: str, *, picks: bool = False) -> tuple[bytes, bytes]:
    """Returns a whole HTTP/1.1 request, cut where the 12 hex digits of its number belong."""
    content = body(picks=picks)
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(content)}")
    whole = "\r\n".join(lines).encode() + b"\r\n\r\n" + content
    before, _, after = whole.partition(PLACE.encode())
    return before + task_id(prefix, 0)[:-12].encode(), after


def number_in(text: bytes, prefix: bytes) -> int | None:
    """Returns the number of the request whose task id stands in a text; None if there is none of this run."""
    at = text.find(prefix + b"-0000-4000-8000-")
    digits = text[at + 24 : at + 36]
    return int(digits, 16) if at >= 0 and len(digits) == 12 else None
