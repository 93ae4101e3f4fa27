"""Strikes secrets out of what is kept: vendors put keys into headers and bodies."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from receiver.lib.signatures import Secret

#: What stands in a secret's place.
STRUCK: Final = "***"
#: Shorter words are left in bodies: they may stand for something else there ("key", "done").
SHORTEST: Final = 8
#: A string of JSON; a number or word of JSON; all else stays.
_TOKEN: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[^\s\[\]{},:"]+', re.DOTALL)
_STRUCK_TOKEN: Final = b'"***"'
#: A printable ASCII character written as an escape: nobody has to, some do for `<`, `>`, `&`, `+` and quotes.
_NEEDLESS: Final = re.compile(rb"\\u00([2-7][0-9a-fA-F])")
#: Characters that neither JSON nor an address has to escape, but for the dot: hosts are no secrets.
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9_~-]+")
#: Those characters, the rarest in JSON and addresses first.
_COMMON: Final = "QZXJKYVWUHGFBNOLMDRPICTSEA~zqjxkvwyb9786543f2hgu10pdm-_lcrnosaiet"
#: A character as an address or a form escapes it.
_QUOTED: Final = re.compile("%[0-9A-F]{2}")
_CHARACTERS: Final = {b"%02x" % code: bytes([code]) for code in range(0x20, 0x80)}


class Redaction:
    """What is not kept: the values of secrets, as they are and as they are written in JSON and in addresses."""

    def __init__(self, secrets: Iterable[Secret] = ()) -> None:
        words = {secret.reveal() for secret in secrets}
        # The longest first: one may be part of another.
        self._words = sorted(words - {""}, key=len, reverse=True)
        forms = {form for word in self._words if len(word) >= SHORTEST for form in _forms(word)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._raw = [form.encode() for form in self._forms]
        #: Of each secret a part that is the same however it is written, behind the rarest of its characters.
        self._marks = sorted({(_rarest(mark), mark) for mark in map(_mark, self._words)})
        #: Escapes that a secret may be written with, beside the needless ones.
        self._escapes = [b"\\" + sign.encode() for sign in '/"\\' if any(sign in form for form in self._forms)]

    def request(self, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """Headers and body without secrets: those that were given where there is none, as there hardly ever is."""
        # As text: it is searched twice as fast as bytes are.
        text = "\n".join((*headers.values(), body.decode("latin-1")))
        if self._is_clean(text):
            return headers, body
        return self.headers(headers), self.body(body)

    def headers(self, headers: dict[str, str]) -> dict[str, str]:
        """Headers; a value that holds a secret is struck out as a whole."""
        together = "\n".join(headers.values())
        kept = headers
        for word in self._words:
            if word in together:
                kept = {name: STRUCK if word in value else value for name, value in kept.items()}
        return kept

    def body(self, body: bytes) -> bytes:
        """A body without secrets. What was JSON is JSON still, and nothing else of it has changed."""
        if not self._suspect(body):
            return body
        try:
            json.loads(body.decode())
        except (ValueError, RecursionError):
            return self._plainly(body)
        return _TOKEN.sub(lambda found: self._token(found[0]), body)

    def _is_clean(self, text: str) -> bool:
        """True if no secret can be in it. Every webhook comes here, so it is quick."""
        for rarest, mark in self._marks:
            # One character is found at a tenth of the price.
            if rarest in text and mark in text:
                return False
        return "\\" not in text or "\\u00" not in text

    def _suspect(self, body: bytes) -> bool:
        """Whether a secret may be in it, as it is or escaped."""
        for raw in self._raw:
            if raw in body:
                return True
        needless = b"\\u00" in body
        if not needless and not any(escape in body for escape in self._escapes):
            return False
        plain = _NEEDLESS.sub(lambda found: _CHARACTERS[found[1].lower()], body) if needless else body
        for escape in self._escapes:
            plain = plain.replace(escape, escape[1:])
        return any(raw in plain for raw in self._raw)

    def _plainly(self, body: bytes) -> bytes:
        for raw in self._raw:
            body = body.replace(raw, STRUCK.encode())
        return body

    def _token(self, token: bytes) -> bytes:
        if token[:1] != b'"':
            return _STRUCK_TOKEN if token in self._raw else token
        if b"\\" not in token:
            return self._plainly(token)
        text = _unescaped(token)
        struck = text
        for form in self._forms:
            struck = struck.replace(form, STRUCK)
        return token if struck == text else json.dumps(struck).encode()


def _mark(word: str) -> str:
    """The longest part of a word that is written in one way only, but for needless escapes; empty if it has none."""
    return max(_UNRESERVED.findall(word), key=len, default="")


def _rarest(mark: str) -> str:
    """The character of it that is least common in JSON and addresses; empty if it is empty."""
    return min(mark, key=_COMMON.find, default="")


def _forms(word: str) -> set[str]:
    """A word as it stands in text, in an address, in a form, and in JSON that is text within JSON.

    Of a word of letters, digits, `-` and `_` all of them are the same.
    """
    quoted = {quote(word, safe=""), quote(word), quote_plus(word), quote_plus(word, safe="/")}
    lower = {_QUOTED.sub(lambda found: found[0].lower(), text) for text in quoted}
    escaped = json.dumps(word)[1:-1]
    return {word, *quoted, *lower, escaped, escaped.replace("/", "\\/")}


def _unescaped(token: bytes) -> str:
    """The text of a JSON string; empty if it is none."""
    try:
        text = json.loads(token)
    except ValueError:
        return ""
    return text if isinstance(text, str) else ""
