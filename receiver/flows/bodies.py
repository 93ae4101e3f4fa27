"""Bodies of webhooks: how they are read, what in them is echoed, and what of them may be kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any, Final

import msgspec

from receiver.contracts.bodies import BodyRules
from receiver.errors import NotJson
from receiver.lib.redaction import STRUCK
from receiver.lib.strict_json import read_json
from receiver.providers.shared.forms import form_value, is_form
from receiver.providers.shared.paths import Path, segments

#: The field of a form that holds JSON (Slack, PHP).
PAYLOAD: Final = "payload"
#: Characters of a value that is echoed.
LONGEST_CHALLENGE: Final = 1000

_path: Final = lru_cache(maxsize=1024)(Path)


def read_body(body: bytes, headers: Mapping[str, str], rules: BodyRules) -> Any:
    """The value of a body. Raises NotJson for what is neither JSON nor, where forms are expected, a form."""
    kind = headers.get("content-type", "")
    if not rules.form or not is_form(kind):
        return read_json(body)
    if body.lstrip()[:1] in (b"{", b"["):
        # What posts JSON without saying so is called a form by most clients.
        with suppress(NotJson):
            return read_json(body)
    fields = form_value(body, kind)
    payload = fields.get(PAYLOAD)
    return read_json(payload.encode()) if isinstance(payload, str) else fields


def challenge_of(value: Any, rules: BodyRules) -> dict[str, str | int] | None:
    """What is to be echoed of a body or a query; None if there is nothing.

    A name with dots is looked for as it is (`hub.challenge`), and as a path.
    """
    name = rules.challenge
    if not name:
        return None
    is_name = isinstance(value, dict) and name in value
    found = value[name] if is_name else next(iter(_path(name).found(value)), None)
    if not isinstance(found, str | int) or isinstance(found, bool) or not 0 < len(str(found)) <= LONGEST_CHALLENGE:
        return None
    return {name if is_name else name.rpartition(".")[2]: found}


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
