"""A vendor that nobody knows, as `fixtures/examples/any-vendor.toml` describes it."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

#: Whole configurations, `heron`'s among them.
EXAMPLE = Path(__file__).parent.parent / "fixtures" / "examples" / "any-vendor.toml"
KEY, SECRET = "heron-key-0123456789", "heron-secret-0123456789"
ENV = {"HERON_KEY": KEY, "HERON_SECRET": SECRET}


def heron_alone(vendor: str) -> str:
    """The example's source `heron` with calls to `vendor`, polled at once."""
    text = EXAMPLE.read_text("utf-8")
    section = text[text.index("[sources.heron]") : text.index("[sources.replicate]")]
    polled = section.replace('after = "30s", every = "10s"', 'after = "500ms", every = "200ms"')
    return polled.replace('provider        = "generic"', f'provider = "generic"\nbase_url = "{vendor}"')


class Heron:
    """Takes every order; of an enlargement it keeps silent about having taken it."""

    def __init__(self) -> None:
        #: Method, path, headers and body of every order.
        self.orders: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        self.questions: list[str] = []
        self.app = Starlette(
            routes=[
                Route("/pieces", self._draw, methods=["POST"]),
                Route("/pieces/{id}", self._tell),
                Route("/pieces/{id}/enlarge", self._enlarge, methods=["POST"]),
            ]
        )

    async def _draw(self, request: Request) -> Response:
        await self._note(request)
        return JSONResponse({"piece": {"id": "p-1", "state": "PAINTING"}}, 201)

    async def _enlarge(self, request: Request) -> Response:
        await self._note(request)
        return Response("bad gateway", 502)

    async def _tell(self, request: Request) -> Response:
        assert request.headers["authorization"] == f"Bearer {KEY}"
        self.questions.append(request.url.path)
        if len(self.questions) == 1:
            return JSONResponse({"piece": {"id": "p-1", "state": "PAINTING", "done": 0.4}})
        files = [{"id": f"f{index}", "url": f"https://x.example/{index}.png"} for index in (1, 2, 3, 4)]
        return JSONResponse(
            {"piece": {"id": "p-1", "state": "HUNG", "files": files, "lines": [{"price": 2}, {"price": 1}]}}
        )

    async def _note(self, request: Request) -> None:
        body = json.loads(await request.body())
        self.orders.append((request.method, request.url.path, dict(request.headers), body))

    async def post(self, url: str, piece: dict[str, Any], at: int) -> int:
        """Posts a signed webhook; returns the status of its answer. `at` is Unix seconds."""
        body = json.dumps({"results": [{"piece": piece}]}).encode()
        mac = hmac.new(SECRET.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
        async with httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(url, content=body, headers={"x-heron-signature": f"t={at},v1={mac}"})
        return answer.status_code
