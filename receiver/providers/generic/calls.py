"""A call that is described in TOML: method, address, headers, and a body of JSON."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from receiver.contracts import Call
from receiver.contracts.http import Method
from receiver.contracts.options import check_url
from receiver.errors import InvalidParams, NotJson, OptionError
from receiver.lib.strict_json import read_json
from receiver.providers.generic.placeholders import (
    IN_HEADERS,
    PLACEHOLDER,
    Values,
    fill_header,
    fill_json,
    fill_path,
    fill_query,
    is_json_but_for_quotes,
    members_of,
    mistakes_in,
    names_in,
    texts_of,
)

HEADER_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: Where the body ends, and what becomes of the connection, is not for a description to say.
NOT_OURS: Final = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "upgrade", "expect", "te", "trailer"}
)
URL_REMEDY: Final = 'write it whole, with placeholders in its path and query only: "https://api.example.com/jobs/{id}"'
BODY_REMEDY: Final = """write JSON in single quotes: '{"prompt": "{prompt}", "seed": "{params.seed}"}'"""
HEADER_REMEDY: Final = 'write { authorization = "Bearer {key}" }'


class CallTemplate:
    """A call with placeholders, checked when the configuration is read."""

    def __init__(
        self,
        key: str,
        method: Method,
        url: str,
        headers: dict[str, str],
        body: str,
        known: frozenset[str],
        found: list[OptionError],
    ) -> None:
        """`key` is where it stands, `known` are the placeholders there are; what cannot be meant goes to `found`."""
        self._method = method
        self._url = url
        self._origin, self._path, self._query = _parts_of(url)
        self._headers = {name.lower(): text for name, text in headers.items()}
        found += _url_mistakes(f"{key}.url", url, known)
        found += _header_mistakes(f"{key}.headers", headers, known)
        self._body = _read_body(f"{key}.body", body, known, found) if body else None
        if body and "content-type" not in self._headers:
            self._headers["content-type"] = "application/json"
        #: The names of all placeholders.
        self.names = frozenset(
            name for text in (url, *headers.values(), *texts_of(self._body)) for name in names_in(text)
        )
        #: Those without which there is no address.
        self.needed = frozenset(names_in(self._path))

    def call(self, values: Values, base_url: str) -> Call:
        """The call with its values. A source's own `base_url` takes the place of scheme and host.

        Raises InvalidParams for values that have no place in it.
        """
        try:
            url = (base_url or self._origin) + fill_path(self._path, values)
            query = fill_query(self._query, values)
            headers = {name: fill_header(text, values) for name, text in self._headers.items()}
            body = None if self._body is None else msgspec.json.encode(fill_json(self._body, values))
        except UnicodeEncodeError:
            raise InvalidParams("a value holds half a character, which is no text") from None
        return Call(
            method=self._method,
            url=f"{url}?{query}" if query else url,
            headers={name: text for name, text in headers.items() if text is not None},
            body=body,
        )


def _parts_of(url: str) -> tuple[str, str, str]:
    """Scheme and host, path, and query of an address."""
    origin = re.match(r"[^/?]*(?://[^/?]*)?", url)
    start = origin.end() if origin is not None else 0
    path, _, query = url[start:].partition("?")
    return url[:start], path, query


def _url_mistakes(key: str, url: str, known: frozenset[str]) -> list[OptionError]:
    found = list(mistakes_in(key, url, known))
    origin, _, _ = _parts_of(url)
    if names_in(origin) or "#" in url:
        found.append(OptionError(key, "has a placeholder in its host, or a fragment (#)", URL_REMEDY))
        return found
    try:
        check_url(PLACEHOLDER.sub("x", url))
    except OptionError as wrong:
        found.append(OptionError(key, wrong.wrong, URL_REMEDY))
    else:
        if "@" in urlsplit(PLACEHOLDER.sub("x", url)).netloc:
            found.append(OptionError(key, "has user and password in it", 'put the key into headers: "Bearer {key}"'))
    return found


def _header_mistakes(key: str, headers: dict[str, str], known: frozenset[str]) -> list[OptionError]:
    found: list[OptionError] = []
    for name, text in headers.items():
        if not HEADER_NAME.fullmatch(name):
            found.append(OptionError(key, f"{name[:60]!r} is no header's name", HEADER_REMEDY))
        elif name.lower() in NOT_OURS:
            found.append(OptionError(key, f"{name} is written by gridhook itself", "take it out"))
        if not all(letter in IN_HEADERS for letter in text):
            found.append(OptionError(key, f"{name[:60]} holds what no header can", "write printable ASCII"))
        found += mistakes_in(key, text, known)
    return found


def _read_body(key: str, body: str, known: frozenset[str], found: list[OptionError]) -> Any:
    """The body's template as JSON; None if it is none (noted)."""
    try:
        template = read_json(body.encode("utf-8", "replace"))
    except NotJson as wrong:
        found.append(OptionError(key, f"is not JSON: {wrong}", BODY_REMEDY))
        return None
    for text in texts_of(template):
        found += mistakes_in(key, text, known)
        if is_json_but_for_quotes(text):
            inside = f"holds JSON in a text, {text[:40]!r}, with a placeholder that has no quotes around it there"
            found.append(OptionError(key, inside, 'write "{NAME}" there too: a number becomes a number all the same'))
    for name in members_of(template):
        if names_in(name):
            found.append(OptionError(key, f"has a placeholder in the name {name[:60]!r}", "put it into the value"))
    return template
