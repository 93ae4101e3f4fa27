"""Pictures that stand within a report."""

from __future__ import annotations

from base64 import b64encode


def data_url(body: bytes) -> str:
    """A picture as providers report one that came in base64."""
    return f"data:image/png;base64,{b64encode(body).decode()}"
