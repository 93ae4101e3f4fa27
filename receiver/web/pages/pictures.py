"""Where pages find pictures: the one place that knows."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from receiver.model.jobs import Image, Job

#: From where a browser may load pictures (Content-Security-Policy): they are where the vendors have them.
PICTURE_SOURCES: Final = "'self' https: http:"


def picture_url(job: Job, image: Image) -> str:
    """The address of one picture of a job; empty if it has none that a browser could load."""
    return _web(image.url)


def grid_url(job: Job) -> str:
    """The address of the picture of all four tiles; empty if the vendor has no such picture."""
    return _web(job.grid_url or "")


def _web(url: str) -> str:
    """The address if it is one of the web: `javascript:` and the like are foreign text, and no picture."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.netloc else ""
