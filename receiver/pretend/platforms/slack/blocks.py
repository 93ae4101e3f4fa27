"""What Slack's Block Kit allows: every documented limit of the blocks and parts that bots use."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import msgspec

MOST_BLOCKS: Final = 50
#: Of all blocks together; not documented, seen in slackapi/bolt-js issue 2509.
MOST_CHARACTERS: Final = 13_000
FILE_ID: Final = re.compile(r"F[A-Z0-9]{8,}")
#: The fields that each part may have.
FIELDS: Final = {
    "section": {"type", "block_id", "text", "fields", "accessory", "expand"},
    "context": {"type", "block_id", "elements"},
    "actions": {"type", "block_id", "elements"},
    "image": {"type", "block_id", "image_url", "slack_file", "alt_text", "title"},
    "header": {"type", "block_id", "text"},
    "divider": {"type", "block_id"},
    "button": {"type", "text", "action_id", "value", "style", "confirm", "url", "accessibility_label"},
    "mrkdwn": {"type", "text", "verbatim"},
    "plain_text": {"type", "text", "emoji"},
}
CONFIRM: Final = {"title": 100, "text": 300, "confirm": 30, "deny": 30}


def mistakes_in(blocks: object) -> Iterator[str]:
    """What Slack would refuse of a message's blocks, in its own way of saying so; nothing for what it takes."""
    if not isinstance(blocks, list):
        yield _wrong("must be an array", "/blocks")
        return
    ids = [block["block_id"] for block in blocks if isinstance(block, dict) and "block_id" in block]
    if len(ids) != len(set(ids)):
        yield _wrong("block_id is used twice", "/blocks")
    for place, block in enumerate(blocks):
        yield from _of_block(block, f"/blocks/{place}")


def is_too_long(blocks: object) -> bool:
    """Whether there are too many blocks, or too much in all of them together."""
    return isinstance(blocks, list) and (
        len(blocks) > MOST_BLOCKS or len(msgspec.json.encode(blocks)) > MOST_CHARACTERS
    )


def _wrong(what: str, place: str) -> str:
    return f"[ERROR] {what} [json-pointer:{place}]"


def _of_block(block: Any, place: str) -> Iterator[str]:
    kind = block.get("type") if isinstance(block, dict) else None
    if kind not in ("section", "context", "actions", "image", "header", "divider"):
        yield _wrong(f"unsupported type: {kind}", f"{place}/type")
        return
    yield from _unknown_fields(block, place)
    yield from _of_length(block, "block_id", 1, 255, place, is_needed=False)
    match kind:
        case "section":
            yield from _of_section(block, place)
        case "context":
            yield from _of_elements(block, place, 10, ("mrkdwn", "plain_text", "image"))
        case "actions":
            yield from _of_elements(block, place, 25, ("button",))
            names = [one.get("action_id") for one in block.get("elements", []) if isinstance(one, dict)]
            if len(names) != len(set(names)):
                yield _wrong("action_id is used twice", f"{place}/elements")
        case "image":
            yield from _of_image(block, place)
        case "header":
            yield from _of_text(block.get("text"), 150, f"{place}/text", plain=True)


def _of_section(block: dict[str, Any], place: str) -> Iterator[str]:
    if "text" in block or "fields" not in block:
        yield from _of_text(block.get("text"), 3000, f"{place}/text")
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield _wrong("no more than 10 items allowed", f"{place}/fields")
    for number, field in enumerate(fields):
        yield from _of_text(field, 2000, f"{place}/fields/{number}")
    if "accessory" in block:
        yield from _of_element(block["accessory"], f"{place}/accessory", ("button", "image"))


def _of_elements(block: dict[str, Any], place: str, most: int, kinds: tuple[str, ...]) -> Iterator[str]:
    elements = block.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= most:
        yield _wrong(f"must have 1 to {most} items", f"{place}/elements")
        return
    for number, element in enumerate(elements):
        yield from _of_element(element, f"{place}/elements/{number}", kinds)


def _of_element(element: Any, place: str, kinds: tuple[str, ...]) -> Iterator[str]:
    kind = element.get("type") if isinstance(element, dict) else None
    if kind not in kinds:
        yield _wrong(f"unsupported type: {kind}", f"{place}/type")
    elif kind == "button":
        yield from _of_button(element, place)
    elif kind == "image":
        yield from _of_image(element, place)
    else:
        yield from _of_text(element, 3000, place)


def _of_button(button: dict[str, Any], place: str) -> Iterator[str]:
    yield from _unknown_fields(button, place)
    yield from _of_text(button.get("text"), 75, f"{place}/text", plain=True)
    for name, most in (("action_id", 255), ("value", 2000), ("url", 3000), ("accessibility_label", 75)):
        yield from _of_length(button, name, 1, most, place, is_needed=name == "action_id")
    if button.get("style", "primary") not in ("primary", "danger"):
        yield _wrong("must be primary or danger", f"{place}/style")
    if "confirm" not in button:
        return
    confirm = button["confirm"]
    if not isinstance(confirm, dict) or not {"text"} <= confirm.keys() <= {*CONFIRM, "style"}:
        yield _wrong("is no confirmation dialog", f"{place}/confirm")
        return
    for name, most in CONFIRM.items():
        if name in confirm:
            yield from _of_text(confirm[name], most, f"{place}/confirm/{name}", plain=name != "text")


def _of_image(image: dict[str, Any], place: str) -> Iterator[str]:
    yield from _unknown_fields(image, place)
    yield from _of_length(image, "alt_text", 1, 2000, place)
    if "title" in image:
        yield from _of_text(image["title"], 2000, f"{place}/title", plain=True)
    if ("image_url" in image) == ("slack_file" in image):
        yield _wrong("needs either image_url or slack_file", place)
    elif "image_url" in image:
        yield from _of_length(image, "image_url", 1, 3000, place)
        if not re.fullmatch(r"https?://[!-~]+", str(image["image_url"])):
            yield _wrong("invalid url", f"{place}/image_url")
    else:
        file = image["slack_file"]
        if not isinstance(file, dict) or len(file.keys() & {"id", "url"}) != 1 or len(file) != 1:
            yield _wrong("needs either id or url", f"{place}/slack_file")
        elif "id" in file and not FILE_ID.fullmatch(str(file["id"])):
            yield _wrong("is no id of a file", f"{place}/slack_file/id")


def _of_text(text: Any, most: int, place: str, *, plain: bool = False) -> Iterator[str]:
    kinds = ("plain_text",) if plain else ("plain_text", "mrkdwn")
    if not isinstance(text, dict) or text.get("type") not in kinds:
        yield _wrong(f"must be {' or '.join(kinds)}", place)
        return
    yield from _unknown_fields(text, place)
    yield from _of_length(text, "text", 1, most, place)


def _of_length(
    part: dict[str, Any], name: str, least: int, most: int, place: str, *, is_needed: bool = True
) -> Iterator[str]:
    value = part.get(name)
    if value is None and not is_needed:
        return
    if not isinstance(value, str) or not least <= len(value) <= most:
        yield _wrong(f"must be {least} to {most} characters", f"{place}/{name}")


def _unknown_fields(part: dict[str, Any], place: str) -> Iterator[str]:
    for name in sorted(part.keys() - FIELDS[str(part["type"])]):
        yield _wrong(f"invalid additional property: {name}", place)
