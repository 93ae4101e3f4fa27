"""Bodies of webhooks: how they are read, what in them is echoed, and what of them may be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from receiver.contracts.bodies import BodyRules
from receiver.errors import NotJson
from receiver.lib.redaction import STRUCK
from receiver.lib.strict_json import read_json
from receiver.providers.shared.paths import Path, segments

#: What a form's content type begins with.
FORM: Final = "application/x-www-form-urlencoded"
#: The field of a form that holds JSON (Slack, PHP).
PAYLOAD: Final = "payload"
MOST_FIELDS: Final = 1000
#: Characters of a value that is echoed.
LONGEST_CHALLENGE: Final = 1000

_path: Final = lru_cache(maxsize=1024)(Path)


def read_body(body: bytes, headers: Mapping[str, str], rules: BodyRules) -> Any:
    """The value of a body. Raises NotJson for what is neither JSON nor, where forms are expected, a form."""
    if not rules.form or not headers.get("content-type", "").lower().startswith(FORM):
        return read_json(body)
    fields = form_fields(body)
    return read_json(fields[PAYLOAD].encode()) if PAYLOAD in fields else fields


def form_fields(body: bytes) -> dict[str, str]:
    """The fields of a form or a query; of a repeated one the last counts. Raises NotJson for what is none."""
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError:
        raise NotJson("neither JSON nor a form") from None
    return dict(pairs)


def challenge_of(value: Any, rules: BodyRules) -> dict[str, str] | None:
    """What is to be echoed of a body or a query; None if there is nothing."""
    if not rules.challenge:
        return None
    found = next(iter(_path(rules.challenge).found(value)), None)
    if not isinstance(found, str | int) or isinstance(found, bool) or not 0 < len(str(found)) <= LONGEST_CHALLENGE:
        return None
    return {rules.challenge.rpartition(".")[2]: str(found)}


def kept_body(body: bytes, headers: Mapping[str, str], rules: BodyRules) -> bytes:
    """The body as it may be kept: with `***` in place of what is to be struck out of it."""
    if not rules.redact:
        return body
    try:
        value = read_body(body, headers, rules)
    except NotJson:
        return body
    struck = [_strike(value, segments(path)) for path in rules.redact]
    return msgspec.json.encode(value) if any(struck) else body


def _strike(value: Any, steps: Sequence[str | int | None]) -> bool:
    """Strikes out what stands at these steps; says whether there was anything."""
    step, *rest = steps
    places: list[Any] = []
    if isinstance(step, str):
        places = [step] if isinstance(value, dict) and step in value else []
    elif isinstance(value, list):
        places = list(range(len(value))) if step is None else [place for place in (step,) if place < len(value)]
    found = False
    for place in places:
        if rest:
            found = _strike(value[place], rest) or found
        elif value[place] not in (None, "", STRUCK):
            value[place], found = STRUCK, True
    return found
