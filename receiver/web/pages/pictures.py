"""Where pages find pictures: the one place that knows."""

from __future__ import annotations

from typing import Final, Literal

from receiver.lib.pictures.links import picture_path
from receiver.model.jobs import Image, Job

#: From where a browser may load pictures (Content-Security-Policy): from us, wherever we have them from.
PICTURE_SOURCES: Final = "'self'"
#: A preview by its pixels: on a wall, or alone on a page.
PreviewWidth = Literal[400, 1200]


def picture_url(job: Job, image: Image, width: PreviewWidth = 400) -> str:
    """The address of one picture of a job, so many pixels wide."""
    return f"{picture_path(job.id, image.index)}?width={width}"


def grid_url(job: Job, width: PreviewWidth = 400) -> str:
    """The address of the picture of all four tiles; empty if there is no such picture."""
    return f"{picture_path(job.id, 0)}?width={width}" if job.grid_url else ""


def full_url(job: Job) -> str:
    """The address of the picture itself: of the grid, else of the first one; empty if there is none."""
    if job.grid_url:
        return picture_path(job.id, 0)
    return picture_path(job.id, job.images[0].index) if job.images else ""
