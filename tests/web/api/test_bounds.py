"""What is too long, too many, too deep or no plain text is refused with its bound: 400, never 500; exit 2."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from cli.parts import configured, run, values
from receiver.errors import OutOfBounds
from receiver.model.submissions import Submission, check_bounds
from receiver.views.schemas import schemas
from support.face import a_face


def chain(depth: int) -> Any:
    """So many follow-ups in a row."""
    link: dict[str, Any] | None = None
    for _ in range(depth):
        link = {"action": "imagine", "prompt": "x", **({"then": link} if link else {})}
    return link


BEYOND: list[tuple[str, dict[str, Any], str]] = [
    ("a long prompt", {"params": {"prompt": "x" * 20_001}}, "20000"),
    ("large parameters", {"params": {"prompt": "x", "other": "x" * 66_000}}, "65536 are taken"),
    ("many small parameters", {"params": {"prompt": "x", **{f"n{n}": n for n in range(100)}}}, "at most 100"),
    ("a large extra", {"extra": {"other": "x" * 66_000}}, "65536 are taken"),
    ("a parameter with a long name", {"params": {"prompt": "x", "n" * 101: 1}}, "100 characters"),
    ("a tag of 600 KB", {"tags": {"a": "x" * 600_000}}, "at most 500"),
    ("a tag of many lines", {"tags": {"a": "x\ny"}}, "no control characters"),
    ("a tag that turns text around", {"tags": {"a": "x\u202ey"}}, "no control characters"),
    ("a tag with a long name", {"tags": {"n" * 101: "x"}}, "100 characters"),
    ("a tag without a name", {"tags": {"": "x"}}, "1 to 100"),
    ("a tag whose name ends a line", {"tags": {"a\n": "x"}}, "no name"),
    ("many tags", {"tags": {f"n{n}": "x" for n in range(51)}}, "at most 50"),
    ("a long source", {"source": "s" * 101}, "1 to 100"),
    ("an action that is none", {"action": "a\x1b[31m"}, "action is no name"),
    ("a chain too deep", {"then": chain(11)}, "more than 10 follow-ups in a row"),
    ("a chain too broad", {"then": [{"action": "reroll"}] * 101}, "more than 100 follow-ups"),
    ("a chain with a long prompt", {"then": {"action": "reroll", "prompt": "x" * 20_001}}, "20000"),
]


def wish(fields: dict[str, Any]) -> dict[str, Any]:
    """An order of an imagine, but for what is given."""
    return {"source": "journey", "action": "imagine", "params": {"prompt": "x"}, **fields}


@pytest.mark.parametrize(("fields", "bound"), [case[1:] for case in BEYOND], ids=[case[0] for case in BEYOND])
async def test_what_is_beyond_a_bound_is_refused_with_it(tmp_path: Path, fields: dict[str, Any], bound: str) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", wish(fields))
        assert (answer.status_code, answer.json()["code"]) == (400, "out_of_bounds"), answer.text
        assert bound in answer.json()["detail"]
        assert len(answer.content) < 2000
        assert (await face.get("/jobs"))["items"] == []


async def test_what_is_right_at_the_bounds_is_taken(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        tags = {f"{n:0100}": "\U0001f680" * 500 for n in range(50)}
        asked = wish(
            {
                "params": {"prompt": "x" * 20_000},
                "extra": {"seed": "x" * 60_000},
                "tags": tags,
                "then": chain(10),
            }
        )
        answer = await face.api("/jobs", asked)
        assert answer.status_code == 202, answer.text
        assert answer.json()["tags"] == tags


@pytest.mark.parametrize("name", ["a long prompt", "a tag of 600 KB", "many tags", "a tag of many lines"])
def test_the_document_says_the_bounds(name: str) -> None:
    (fields,) = (case[1] for case in BEYOND if case[0] == name)
    assert not jsonschema_rs.is_valid(schemas()["Submission"], wish(fields))


NO_JSON = [b'{"a": NaN}', b'{"a": "\xff"}', b"\xef\xbb\xbf{}", b"[" * 101 + b"]" * 101, b"{'a': 1}", b"", b"{} {}"]


@pytest.mark.parametrize("path", ["/jobs", "/jobs/job_0000000000000/pick", "/jobs/job_0000000000000/resolve"])
@pytest.mark.parametrize("body", NO_JSON)
async def test_what_is_not_strictly_json_is_refused_everywhere(tmp_path: Path, path: str, body: bytes) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api(path, body)
        assert (answer.status_code, answer.json()["code"]) == (400, "not_json"), answer.text


@pytest.mark.parametrize("field", ["source", "action", "params", "parent_id", "tags", "then"])
@pytest.mark.parametrize("value", [0, True, 1.5, [1], {"a": None}, "x"])
async def test_no_kind_of_value_breaks_the_api(tmp_path: Path, field: str, value: object) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", wish({field: value}))
        assert answer.status_code in (202, 400, 404, 409), answer.text


@pytest.mark.parametrize(
    "body", [{"index": 1, "more": 1}, {"index": "x" * 3000}, {"index": {"a": 1}}, {"index": 2**70}]
)
async def test_a_pick_of_no_tile_is_refused_in_a_short_sentence(tmp_path: Path, body: object) -> None:
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs/job_0000000000000/pick", body)
        assert answer.status_code in (400, 404)
        assert len(answer.content) < 400


@pytest.mark.parametrize("text", ["\udcff", "a\ud800b"])
def test_what_is_no_text_in_utf_8_is_beyond_bounds_too(text: str) -> None:
    for params in ({"prompt": text}, {"prompt": "x", "mask": [text]}):
        with pytest.raises(OutOfBounds, match="UTF-8"):
            check_bounds(Submission(source="journey", action="imagine", params=params), None)


@pytest.mark.parametrize(
    ("args", "bound"),
    [
        (["--prompt", "x" * 20_001], "20000"),
        (["--prompt", "x", "--tag", "a=" + "x" * 501], "at most 500"),
        (["--prompt", "x", "-p", "other=" + "x" * 66_000], "65536"),
        (["--prompt", "x", "--idempotency-key", "k" * 256], "255"),
        (["--prompt", "x", "--then", '[{"action":"reroll"}' + ',{"action":"reroll"}' * 100 + "]"], "100"),
    ],
)
def test_the_command_line_has_the_same_bounds(tmp_path: Path, args: list[str], bound: str) -> None:
    configured(tmp_path)
    result = run(tmp_path, "submit", "journey", "imagine", *args)
    assert (result.exit_code, bound in result.stderr) == (2, True), result.output
    assert values(run(tmp_path, "jobs", "--json")) == []
