"""The OpenAPI document is valid, complete, and true of the running API."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from starlette.routing import Mount, Route, Router

from receiver.views.schemas import schemas
from receiver.web.api.auth import Bearer
from receiver.web.api.openapi import document
from support.face import ADMIN, GRID, a_face
from support.served_face import ServedFace

METHODS = {"get", "post"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_every_address_of_the_api_is_described_and_no_other(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        mount = next(route for route in face.app.routes if isinstance(route, Mount) and route.path == "/api/v1")
        (alone,) = (route for route in face.app.routes if isinstance(route, Route) and route.path.startswith("/api"))
        assert isinstance(mount.app, Bearer)
        router = mount.app._app
        assert isinstance(router, Router)
        served = {(route.path, method.lower()) for route in router.routes for method in route.methods}  # type: ignore[attr-defined]
        served |= {(alone.path.removeprefix("/api/v1"), method.lower()) for method in alone.methods or ()}
        beside = {(path, method) for path, method, one in operations() if "servers" in one}
        assert beside == {("/pictures/{job}/{index}", "get")}
        assert any(isinstance(route, Route) and route.path == "/pictures/{job}/{index}" for route in face.app.routes)
        described = {(path, method) for path, method, _ in operations()} - beside
        assert described == {(path, method) for path, method in served if method in METHODS}


def test_every_reference_leads_somewhere() -> None:
    names = document()["components"]["schemas"]
    for ref in references(document()):
        assert ref.removeprefix("#/components/schemas/") in names


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_every_operation_has_a_name_of_its_own() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)


def test_the_document_is_open_and_answers_without_a_token(running: ServedFace) -> None:
    answer = httpx.get(f"{running.address}/openapi.json")
    assert (answer.status_code, answer.json()) == (200, document())
    assert document()["paths"]["/openapi.json"]["get"]["security"] == []


def test_every_operation_has_a_tag_that_is_explained() -> None:
    explained = {tag["name"] for tag in document()["tags"]}
    assert {tag for _, _, operation in operations() for tag in operation["tags"]} == explained


def test_every_example_fits_its_schema() -> None:
    found = list(examples(document()))
    assert len(found) > 50
    for schema, example in found:
        whole = {**schema, "components": document()["components"]}
        jsonschema_rs.validator_for(whole, validate_formats=True).validate(example)


def examples(value: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """The schema and the value of each example."""
    if isinstance(value, dict):
        if isinstance(value.get("schema"), dict):
            yield from ((value["schema"], one["value"]) for one in value.get("examples", {}).values())
        for inner in value.values():
            yield from examples(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from examples(inner)


def test_requests_events_and_deliveries_have_a_status_and_nothing_else_for_it() -> None:
    known = document()["components"]["schemas"]
    assert [name for name, schema in known.items() if "state" in schema.get("properties", {})] == []
    for name in ("Job", "Delivery", "ListedDelivery", "Request", "ListedRequest", "Taken"):
        assert "status" in known[name]["properties"], name


ORDERS: list[tuple[str, Any, bool]] = [
    ("without a prompt", {"action": "imagine", "params": {}}, False),
    ("without parameters", {"action": "imagine"}, False),
    ("with a blank prompt", {"action": "imagine", "params": {"prompt": " "}}, False),
    ("with a prompt", {"action": "imagine", "params": {"prompt": "x"}}, True),
    ("pick without a tile", {"action": "pick"}, False),
    ("pick of a tile that is not", {"action": "pick", "params": {"index": 5}}, False),
    ("pick of a tile", {"action": "pick", "params": {"index": "4"}}, True),
    ("pan without a direction", {"action": "pan", "params": {}}, False),
    ("upscale of no kind", {"action": "upscale", "params": {"kind": "8x"}}, False),
    ("upscale", {"action": "upscale"}, True),
    ("vary of no strength", {"action": "vary", "params": {"strength": "mad"}}, False),
    ("zoom too far", {"action": "zoom", "params": {"factor": 9}}, False),
    ("a version that is none", {"action": "reroll", "params": {"version": [7]}}, False),
    ("a chain without an action", {"action": "reroll", "then": {"index": 1}}, False),
    ("a chain without a prompt", {"action": "reroll", "then": [{"action": "imagine"}]}, False),
    ("a chain to no source", {"action": "reroll", "then": {"action": "pick", "index": 1, "source": 0}}, False),
    ("a chain", {"action": "reroll", "then": [{"action": "pick", "index": 1, "then": {"action": "reroll"}}]}, True),
    ("an action of a vendor's own", {"action": "seed", "params": {"x": [1]}}, True),
]


@pytest.mark.parametrize(("order", "right"), [case[1:] for case in ORDERS], ids=[case[0] for case in ORDERS])
async def test_the_document_requires_of_an_order_what_the_api_requires(
    tmp_path: Path, order: dict[str, Any], right: bool
) -> None:
    asked = {"source": "journey", **order}
    assert jsonschema_rs.is_valid(schemas()["Submission"], asked) is right
    async with a_face(tmp_path) as face:
        answer = await face.api("/jobs", asked)
        assert (answer.status_code == 400) is not right, answer.text


def test_the_published_schemas_are_valid_and_of_every_record_and_list() -> None:
    shown = {"Job", "JobDetail", "Event", "Delivery", "ListedDelivery", "Request", "ListedRequest", "Refused", "Costs"}
    lists = {"JobList", "EventList", "DeliveryList", "RequestList", "RefusedList"}
    assert set(schemas()) == {*shown, *lists, "Taken", "Problem", "Submission", "Pick", "Resolve", "Resend"}
    for schema in schemas().values():
        jsonschema_rs.meta.validate(schema)


async def test_what_the_api_shows_fits_the_published_schemas(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        await face.submit()
        for path in ("Job", "Event", "Delivery", "Request"):
            many = "/deliveries" if path == "Delivery" else f"/{path.lower()}s"
            jsonschema_rs.validate(schemas()[f"{path}List"], await face.get(many))
        await face.post(GRID, headers={})
        refused = await face.get("/refused")
        assert len(refused["items"]) == 1
        jsonschema_rs.validate(schemas()["RefusedList"], refused)
        for job in (await face.get("/jobs"))["items"]:
            jsonschema_rs.validate(schemas()["Job"], job)
        (event,) = (await face.get("/events"))["items"]
        jsonschema_rs.validate(schemas()["Event"], event)
        for listed in (await face.get("/deliveries"))["items"]:
            jsonschema_rs.validate(schemas()["Delivery"], await face.get(f"/deliveries/{listed['id']}"))
        (request,) = (await face.get("/requests"))["items"]
        jsonschema_rs.validate(schemas()["Request"], await face.get(f"/requests/{request['id']}"))


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedFace]:
    with ServedFace(tmp_path_factory.mktemp("openapi")) as face:
        yield face


def cases() -> Iterator[tuple[str, str, GenerationMode]]:
    """Every operation with right questions, and with wrong ones where something can be said wrongly."""
    for path, method, operation in operations():
        yield path, method.upper(), GenerationMode.POSITIVE
        asked = any(parameter["in"] == "query" for parameter in operation.get("parameters", ()))
        if asked or "requestBody" in operation:
            yield path, method.upper(), GenerationMode.NEGATIVE


def forget_tags(operation: dict[str, Any]) -> None:
    """In a query all is text, so a tag's value cannot be of a wrong kind, whatever is made up for it."""
    operation["parameters"] = [one for one in operation.get("parameters", ()) if one["name"] != "tags"]


@pytest.mark.parametrize(("path", "method", "mode"), list(cases()))
def test_the_running_api_is_as_it_is_described(
    running: ServedFace, path: str, method: str, mode: GenerationMode
) -> None:
    # The token is no parameter to play with here; that it is asked for is tested elsewhere.
    described = {**copy.deepcopy(document()), "security": []}
    if mode is GenerationMode.NEGATIVE:
        forget_tags(described["paths"][path][method.lower()])
    operation = schemathesis.openapi.from_dict(described)[path][method]
    # What stands beside the API says so.
    is_beside = "servers" in described["paths"][path][method.lower()]
    address = running.address.removesuffix("/api/v1") if is_beside else running.address

    @settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        case.call_and_validate(base_url=address, headers=ADMIN)

    each()
