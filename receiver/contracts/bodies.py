"""What is to be known of a vendor's bodies beside what they say of jobs."""

from __future__ import annotations

import msgspec


class BodyRules(msgspec.Struct, frozen=True, kw_only=True):
    """How a vendor's bodies are read, answered and kept. The default: JSON, answered as ever, kept as it came."""

    #: Whether posts are forms; a field `payload` holds JSON.
    form: bool = False
    #: The name of a value in body or query that is to be echoed; "" = none is.
    challenge: str = ""
    #: Paths of what is struck out before a body is kept.
    redact: tuple[str, ...] = ()


#: For vendors that post JSON and nothing to be struck out.
PLAIN_JSON = BodyRules()
