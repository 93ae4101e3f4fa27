"""What S3 answers in place of what was asked for."""

from __future__ import annotations

from xml.sax.saxutils import escape

from starlette.responses import Response


class S3Refusal(Exception):
    """A call that is refused, with S3's own code."""

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)

    def answer(self) -> Response:
        """The error as S3 writes it."""
        body = f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message></Error>"
        return xml(body, self.status)


def xml(body: str, status: int = 200) -> Response:
    """A document of S3."""
    return Response(f'<?xml version="1.0" encoding="UTF-8"?>\n{body}', status, media_type="application/xml")
