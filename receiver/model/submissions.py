"""What somebody asks for through the API or the command line: an order, a pick, a decision."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal

import msgspec

from receiver.errors import OutOfBounds

#: The longest Idempotency-Key that is taken, characters, and what it is made of: a header must be able to carry it.
KEY_LENGTH: Final = 255
KEY: Final = "^[!-~]([ -~]*[!-~])?$"
#: The longest prompt, characters.
PROMPT_LENGTH: Final = 20_000
#: The longest name of a source, an action, a parameter or a tag, characters.
NAME_LENGTH: Final = 100
#: How many tags a job has at most, and the longest text of one, characters.
TAGS: Final = 50
TAG_LENGTH: Final = 500
#: How many parameters an action has at most, and how much JSON they are without pictures, bytes.
PARAMETERS: Final = 100
PARAMETERS_SIZE: Final = 65_536
#: Parameters that may be whole pictures in base64: of these, only the size of the body is bounded.
PICTURES: Final = frozenset({"mask", "mask_url", "image", "images", "image_url", "image_urls"})
#: How many follow-ups a chain has in a row, and in all.
CHAIN_DEPTH: Final = 10
CHAIN_LINKS: Final = 100
#: Text that is shown as it is: without control characters, and without those that turn text around.
PLAIN: Final = r"^[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]*$"
#: A name: such text, and some of it.
NAME: Final = PLAIN.replace("]*$", "]+$")
_KEY: Final = re.compile(KEY)
_PLAIN: Final = re.compile(PLAIN)
_NAME: Final = re.compile(NAME)


class Submission(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A job that somebody wants: the body of `POST /api/v1/jobs`."""

    #: Name of the configured account that shall do it.
    source: str
    #: Canonical action, or a vendor's own by its name.
    action: str
    #: All that the action needs.
    params: dict[str, Any] = {}
    #: Our id of the job that it follows up on.
    parent_id: str | None = None
    tags: dict[str, str] = {}
    #: What follows when it completes: a table like a rule's `then`, or a list of such.
    then: list[Any] | dict[str, Any] | None = None
    #: What is merged into the top level of the order's body as it is: parameters that only the vendor knows.
    extra: dict[str, Any] = {}


class Pick(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tile of the grid: the body of `POST /api/v1/jobs/{id}/pick`."""

    index: Any


#: What a person can decide on a job that waits, or of which nothing certain is known.
Decision = Literal["check", "send", "give-up"]


class Resend(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/v1/events/{id}/resend`."""

    #: Name of the sink.
    sink: str


class Resolve(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What shall become of a job that is unsure or held: the body of `POST /api/v1/jobs/{id}/resolve`."""

    #: `check`: ask the vendor now, or judge a hold anew. `send`: order it whatever holds it; an unsure job may then be
    #: paid twice. `give-up`: failed (a late result still completes it), or canceled if it was not ordered yet.
    decision: Decision


def check_bounds(submission: Submission, idempotency_key: str | None) -> None:
    """Raises OutOfBounds where an order is too long, too deep, too much or no plain text: at the API and elsewhere."""
    if idempotency_key is not None and not (len(idempotency_key) <= KEY_LENGTH and _KEY.fullmatch(idempotency_key)):
        raise OutOfBounds(f"an Idempotency-Key has 1 to {KEY_LENGTH} characters, ASCII without control characters")
    try:
        msgspec.json.encode(submission)
    except UnicodeEncodeError:
        raise OutOfBounds("the order is no text in UTF-8") from None
    _check_name("source", submission.source)
    _check_name("action", submission.action)
    _check_params(submission.params)
    _check_extra(submission.extra)
    check_tags(submission.tags)
    for count, (depth, link) in enumerate(_links(submission.then, 1), 1):
        if depth > CHAIN_DEPTH:
            raise OutOfBounds(f"then has more than {CHAIN_DEPTH} follow-ups in a row")
        if count > CHAIN_LINKS:
            raise OutOfBounds(f"then has more than {CHAIN_LINKS} follow-ups")
        if isinstance(link.get("action"), str):
            _check_name("action", link["action"])
        _check_params({name: value for name, value in link.items() if name not in ("then", "extra")})
        if isinstance(link.get("extra"), dict):
            _check_extra(link["extra"])


def check_tags(tags: Mapping[str, str]) -> None:
    """Raises OutOfBounds where there are too many tags, or one is too long or no plain text."""
    if len(tags) > TAGS:
        raise OutOfBounds(f"there are {len(tags)} tags: at most {TAGS} are taken")
    for name, text in tags.items():
        _check_name("the name of a tag", name)
        if len(text) > TAG_LENGTH or not _PLAIN.fullmatch(text):
            raise OutOfBounds(
                f"tag {name} has a text of {len(text)} characters: at most {TAG_LENGTH}, and no control characters"
            )


def _check_name(what: str, name: str) -> None:
    if len(name) > NAME_LENGTH or not _NAME.fullmatch(name):
        raise OutOfBounds(f"{what} is no name: 1 to {NAME_LENGTH} characters, and no control characters")


def _check_params(params: Mapping[str, Any]) -> None:
    prompt = params.get("prompt")
    if isinstance(prompt, str) and len(prompt) > PROMPT_LENGTH:
        raise OutOfBounds(f"the prompt has {len(prompt)} characters: at most {PROMPT_LENGTH} are taken")
    _check_names(params)
    _check_size({name: value for name, value in params.items() if name != "prompt"})


def _check_extra(extra: Mapping[str, Any]) -> None:
    _check_names(extra)
    _check_size(extra)


def _check_names(params: Mapping[str, Any]) -> None:
    if len(params) > PARAMETERS:
        raise OutOfBounds(f"there are {len(params)} parameters: at most {PARAMETERS} are taken")
    for name in params:
        _check_name("the name of a parameter", name)


def _check_size(params: Mapping[str, Any]) -> None:
    size = len(msgspec.json.encode({name: value for name, value in params.items() if name not in PICTURES}))
    if size > PARAMETERS_SIZE:
        raise OutOfBounds(f"the parameters are {size} bytes of JSON: at most {PARAMETERS_SIZE} are taken")


def _links(then: object, depth: int) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Every follow-up of a chain that is one, and how deep it stands; no deeper than one too many."""
    for link in then if isinstance(then, list) else [then]:
        if isinstance(link, dict):
            yield depth, link
            if depth <= CHAIN_DEPTH:
                yield from _links(link.get("then"), depth + 1)
