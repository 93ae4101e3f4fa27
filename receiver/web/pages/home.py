"""The page at `/`: that gridhook runs, and where to go on."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

HOME: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>gridhook</title></head>
<body>
<h1>gridhook is running</h1>
<p>It takes in what AI image providers post to <code>/in/SOURCE</code>, keeps it, and sees it through.</p>
<ul>
<li><a href="/healthz">/healthz</a>: it is alive; <a href="/readyz">/readyz</a>: it can keep what arrives</li>
<li><code>/api/v1</code>: the API, described by <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>;
it wants the admin token: <code>Authorization: Bearer ...</code></li>
</ul>
<p>The README tells the rest.</p>
</body>
</html>
"""
#: Nothing on the page loads, runs or frames anything.
HOME_POLICY: Final = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def home(_request: Request) -> Response:
    """The page. It shows no data, so it is open to everybody."""
    return HTMLResponse(HOME, headers={"content-security-policy": HOME_POLICY})
