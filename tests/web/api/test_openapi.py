"""The OpenAPI document is valid, complete, and true of the running API."""

from __future__ import annotations

import asyncio
import copy
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from starlette.routing import Mount, Router

from receiver.views.records import schemas
from receiver.web.api.auth import Bearer
from receiver.web.api.openapi import document
from support.face import ADMIN, GRID, Face, a_face

METHODS = {"get", "post"}


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


async def test_every_address_of_the_api_is_described_and_no_other(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        mount = next(route for route in face.app.routes if isinstance(route, Mount) and route.path == "/api/v1")
        assert isinstance(mount.app, Bearer)
        router = mount.app._app
        assert isinstance(router, Router)
        served = {(route.path, method.lower()) for route in router.routes for method in route.methods}  # type: ignore[attr-defined]
        described = {(path, method) for path, method, _ in operations()}
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


def test_the_published_schemas_are_valid() -> None:
    assert set(schemas()) == {"Job", "Event", "Delivery", "Request", "Costs"}
    for schema in schemas().values():
        jsonschema_rs.meta.validate(schema)


async def test_what_the_api_shows_fits_the_published_schemas(tmp_path: Path) -> None:
    async with a_face(tmp_path) as face:
        await face.post(GRID)
        await face.submit()
        for job in (await face.get("/jobs"))["items"]:
            jsonschema_rs.validate(schemas()["Job"], job)
        (event,) = (await face.get("/events"))["items"]
        jsonschema_rs.validate(schemas()["Event"], event)
        for listed in (await face.get("/deliveries"))["items"]:
            jsonschema_rs.validate(schemas()["Delivery"], await face.get(f"/deliveries/{listed['id']}"))
        (request,) = (await face.get("/requests"))["items"]
        jsonschema_rs.validate(schemas()["Request"], await face.get(f"/requests/{request['id']}"))


class Running:
    """The face with some history, on a real server in a thread of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.address = ""

    def __enter__(self) -> Running:
        self._thread.start()
        assert self._ready.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(30)

    async def _run(self) -> None:
        async with a_face(self._folder) as face:
            await self._history(face)
            # Streams have no end of their own: here each of them has had it already.
            face.app.state.stopping.set()
            listener = socket.create_server(("127.0.0.1", 0))
            self.address = f"http://127.0.0.1:{listener.getsockname()[1]}/api/v1"
            self._server = uvicorn.Server(uvicorn.Config(face.app, log_level="critical", lifespan="off", ws="none"))
            self._ready.set()
            await self._server.serve(sockets=[listener])
            listener.close()

    async def _history(self, face: Face) -> None:
        await face.post(GRID)
        await face.post(b"nonsense")
        await face.submit(tags={"project": "poster"})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with Running(tmp_path_factory.mktemp("openapi")) as face:
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
def test_the_running_api_is_as_it_is_described(running: Running, path: str, method: str, mode: GenerationMode) -> None:
    # The token is no parameter to play with here; that it is asked for is tested elsewhere.
    described = {**copy.deepcopy(document()), "security": []}
    if mode is GenerationMode.NEGATIVE:
        forget_tags(described["paths"][path][method.lower()])
    operation = schemathesis.openapi.from_dict(described)[path][method]

    @settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def each(case: Any) -> None:
        case.call_and_validate(base_url=running.address, headers=ADMIN)

    each()
