"""Files that are a picture and something else besides: an archive or a page behind it, which others would open."""

from __future__ import annotations

from typing import Final

#: What such a file begins with, and what it is.
FOREIGN: Final = {
    b"<": "a page or XML",
    b"PK\x03\x04": "a ZIP archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"\x1f\x8b": "a gzip file",
    b"%PDF": "a PDF",
    b"MZ": "a program",
    b"\x7fELF": "a program",
    b"#!": "a script",
}
#: What may stand there and means nothing.
PADDING: Final = b"\0 \t\r\n"
#: A ZIP archive is read from its end: bytes of the record there, and the most that a comment adds.
ZIP_END: Final = 22
ZIP_COMMENT: Final = 65_535
#: Readers of PDF look for its head within so many bytes.
PDF_HEAD: Final = 1024


def stowaway(body: bytes, kind: str) -> str | None:
    """What else a picture is, in a word or two; None if nothing.

    `body` was decoded as a picture of `kind`, such as "PNG". Data behind its end that is nothing known is left alone:
    some cameras and tools write more there.
    """
    if _is_zip(body):
        return FOREIGN[b"PK\x03\x04"]
    if b"%PDF-" in body[:PDF_HEAD]:
        return FOREIGN[b"%PDF"]
    behind = body[_end(body, kind) :][:PDF_HEAD].lstrip(PADDING)
    return next((what for begins, what in FOREIGN.items() if behind.startswith(begins)), None)


def _is_zip(body: bytes) -> bool:
    at = body.rfind(b"PK\x05\x06", max(0, len(body) - ZIP_END - ZIP_COMMENT))
    return at >= 0 and at + ZIP_END + int.from_bytes(body[at + 20 : at + ZIP_END], "little") == len(body)


def _end(body: bytes, kind: str) -> int:
    """Where the picture ends; the length of the file where that is not known."""
    match kind:
        case "PNG":
            return _end_of_png(body)
        case "GIF":
            return _end_of_gif(body)
        case "JPEG":
            return body.rfind(b"\xff\xd9") + 2
        case "WEBP":
            size = int.from_bytes(body[4:8], "little")
            return 8 + size + size % 2
    return len(body)


def _end_of_png(body: bytes) -> int:
    at = 8
    while at + 12 <= len(body):
        name, size = body[at + 4 : at + 8], int.from_bytes(body[at : at + 4], "big")
        at += 12 + size
        if name == b"IEND":
            return at
    return len(body)


def _end_of_gif(body: bytes) -> int:
    at = 13 + _colours(body[10])
    while at < len(body):
        match body[at]:
            case 0x3B:
                return at + 1
            case 0x21:
                at += 2
            case 0x2C if at + 9 < len(body):
                at += 11 + _colours(body[at + 9])
            case _:
                return len(body)
        while at < len(body) and body[at]:
            at += 1 + body[at]
        at += 1
    return len(body)


def _colours(packed: int) -> int:
    """Bytes of a table of colours, by the byte that says whether there is one."""
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0
