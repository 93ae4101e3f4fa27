"""Tolerant readers for vendors' JSON: what every dialect needs to make sense of undocumented shapes."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from receiver.contracts import Answer
from receiver.errors import NotJson, Unmapped
from receiver.lib.pictures import picture_type
from receiver.lib.strict_json import read_json
from receiver.model.jobs import (
    Image,
    Report,
)

#: Bounds for what is taken out of foreign JSON into jobs, characters.
ID_LENGTH: Final = 200
URL_LENGTH: Final = 4096
TEXT_LENGTH: Final = 8192
MAX_IMAGES: Final = 64
#: The types of what may be an id or a text. True and False, which are ints too, have a type of their own.
SCALARS: Final = (str, int)
#: The types of what may be a number.
NUMBERS: Final = (str, int, float)
#: The names under which an object has a picture's address.
ADDRESSES: Final = ("url", "image_url", "imageUrl", "imageURL")
SCHEMES: Final = ("https://", "http://")
#: What nearly all addresses look like: visible ASCII throughout.
PLAIN_URL: Final = re.compile(r"https?://[!-.0-~][!-~]*")
NUMBER_LENGTH: Final = 64
#: Characters that a picture in base64 has at least, and at most: those of 32 MiB.
INLINE_LENGTHS: Final = (64, 45_000_000)
#: Characters that stand before the base64 of a `data:` address, and of the base64 those that tell what it is.
LONGEST_PREFIX: Final = 100
BASE64_HEAD: Final = 24
BASE64_GAPS: Final = re.compile(r"\s+")


def table(value: Any, what: str = "the body") -> Mapping[str, Any]:
    """`value` if it is a JSON object; raises Unmapped otherwise."""
    if not isinstance(value, dict):
        raise Unmapped(f"{what} is not a JSON object")
    return value


def answer_json(answer: Answer) -> Any:
    """The JSON of an answer's body. Raises Unmapped if it is none."""
    try:
        return read_json(answer.body)
    except NotJson as wrong:
        raise Unmapped(f"the answer is not JSON: {wrong}") from None


def text(value: Any, length: int = TEXT_LENGTH) -> str | None:
    """Text, or a whole number as text; None for everything else and for what is empty. Cut at `length` characters.

    NUL, which PostgreSQL keeps in no text, is left out.
    """
    if type(value) not in SCALARS:
        return None
    known = str(value)
    if "\0" in known:
        known = known.replace("\0", "")
    return known.strip()[:length] or None


def job_id(value: Any) -> str | None:
    """A vendor's job id: printable text or a whole number; None if it is missing, empty or longer than any vendor's."""
    if type(value) not in SCALARS:
        return None
    known = str(value).strip()
    return known if 0 < len(known) <= ID_LENGTH and known.isprintable() else None


def required_id(value: Any, name: str) -> str:
    """The vendor's job id. Raises Unmapped if there is none."""
    known = job_id(value)
    if known is None:
        raise Unmapped(f"{name} is missing or not an id")
    return known


def percent(value: Any) -> int | None:
    """0-100 from 45, "45", "45%", 45.7 or "45.7 %"; None for what is none."""
    amount = number(value.strip().removesuffix("%") if isinstance(value, str) else value)
    return None if amount is None else max(0, min(100, int(amount)))


def fraction(value: Any) -> int | None:
    """0-100 from a share of one (0.0-1.0); a number above 1 is taken as per cent."""
    amount = number(value)
    if amount is None:
        return None
    return max(0, min(100, int(amount * 100 if amount <= 1 else amount)))


def number(value: Any) -> Decimal | None:
    """A finite decimal from a JSON number or a text that is one; None otherwise."""
    if type(value) not in NUMBERS:
        return None
    said = str(value).strip()
    if len(said) > NUMBER_LENGTH:
        return None
    try:
        amount = Decimal(said)
    except InvalidOperation:
        return None
    # By the exponent: arithmetic on 1e9999999 overflows.
    return amount if amount.is_finite() and -NUMBER_LENGTH < amount.adjusted() < 18 else None


def plain_amount(amount: Decimal) -> Decimal:
    """The same amount without zeros that say nothing: 0.0045 for 0.00450, 0 for 0.000, 100 for 1E+2."""
    return amount.quantize(Decimal(1)) if amount == amount.to_integral_value() else amount.normalize()


def url(value: Any) -> str | None:
    """An http(s) address; None for anything else."""
    if type(value) is not str or len(value) > URL_LENGTH:
        return None
    if PLAIN_URL.fullmatch(value) is not None:
        return value
    known = value.strip()
    if not known.startswith(SCHEMES) and not known[:8].lower().startswith(SCHEMES):
        return None
    if known.partition("://")[2][:1] in ("", "/"):
        return None
    return known if known.isprintable() and " " not in known else None


def inline_picture(value: Any) -> str | None:
    """A picture that is sent as it is, in base64 or a `data:` address, as a `data:` address; None for anything else.

    What it is is told by its first bytes, never by what is said of it.
    """
    if type(value) is not str or not INLINE_LENGTHS[0] <= len(value) <= INLINE_LENGTHS[1]:
        return None
    text = value
    if value.startswith("data:"):
        said, _, text = value.partition(",")
        if len(said) > LONGEST_PREFIX or not said.lower().endswith(";base64"):
            return None
    try:
        kind = picture_type(b64decode(text.lstrip()[:BASE64_HEAD], validate=True))
    except ValueError:
        return None
    return None if kind is None else f"data:{kind};base64,{BASE64_GAPS.sub('', text)}"


def picture(value: Any) -> str | None:
    """The address of a picture, or the picture itself as a `data:` address; None for anything else."""
    return url(value) or inline_picture(value)


def urls(*values: Any) -> list[str]:
    """Every http(s) address in texts, lists and objects that have one (ADDRESSES), in order, each once."""
    found: dict[str, None] = {}
    for value in _flat(values):
        known = url(value)
        if known is not None:
            found[known] = None
    return list(found)[:MAX_IMAGES]


def _flat(values: Iterable[Any], depth: int = 0) -> Iterable[Any]:
    for value in values:
        if isinstance(value, list) and depth < 4:
            yield from _flat(value, depth + 1)
        elif isinstance(value, dict) and depth < 4:
            yield from _flat((value.get(name) for name in ADDRESSES), depth + 1)
        else:
            yield value


def tiles(value: Any) -> tuple[Image, ...]:
    """Pictures by their place in a list, so that a gap or a repeat moves no other tile; a lone one is the first."""
    if value is None:
        return ()
    places = value[:MAX_IMAGES] if isinstance(value, list) else [value]
    images: list[Image] = []
    for index, place in enumerate(places, 1):
        address = picture(place) if isinstance(place, str) else _first_picture(place)
        if address is not None:
            images.append(Image(index=index, url=address))
    return tuple(images)


def _first_picture(place: Any) -> str | None:
    known = next(iter(urls(place)), None)
    if known is not None or not isinstance(place, dict):
        return known
    return inline_picture(place.get("b64_json")) or inline_picture(place.get("url"))


def count(images: Sequence[Image]) -> int:
    """How many pictures there are with the gaps before the last one, as far as tiles tell."""
    return images[-1].index if images else 0


def each(jobs: Iterable[Any], read: Callable[[Mapping[str, Any]], Report]) -> list[Report]:
    """The reports of a batch. A job that cannot be read hides no other one; raises Unmapped if none can be."""
    reports: list[Report] = []
    trouble: Unmapped | None = None
    for job in jobs:
        try:
            reports.append(read(table(job, "a job of the batch")))
        except Unmapped as wrong:
            trouble = trouble or wrong
    if trouble is not None and not reports:
        raise trouble
    return reports


def json_body(value: Mapping[str, Any]) -> bytes:
    """A request body: JSON without the keys whose value is None."""
    return msgspec.json.encode({name: item for name, item in value.items() if item is not None})
