from __future__ import annotations

from pathlib import Path

import httpx

from receiver.pretend.loopback import serve
from support.picks import pick, task_id, vendor_knowing
from support.server import HOOK_SECRET, JOURNEY, Server, serving, until

PATH_TOKEN = "a-token-for-a-path-0123456789"
OTHERS = """
[[rules]]
name = "auto-hd"
when = { type = "job.completed", action = "pick", source = "busy" }
then = { action = "upscale", kind = "2x" }

[sources.quiet]
provider = "journeyapi"
secrets = ["env:HOOK_SECRET"]

[sources.frame]
provider = "apiframe"
api_key = "env:PATH_TOKEN"

[sources.mart]
provider = "apimart"
token = "env:PATH_TOKEN"
"""
COUNTS = """
    SELECT (SELECT count(*) FROM requests), (SELECT count(*) FROM jobs), (SELECT count(*) FROM events WHERE job > 0),
        (SELECT count(*) FROM deliveries)
"""
#: What the operator is told.
TOLD = "SELECT DISTINCT type FROM events WHERE job = 0"
#: Path and headers of what is not genuine; `{ref}` is a right ref, of a job at the source `busy`.
FORGERIES: list[tuple[str, list[tuple[str, str]]]] = [
    ("/in/{name}", []),
    ("/in/{name}", [("x-webhook-secret", "")]),
    ("/in/{name}", [("x-webhook-secret", "hook-secret-0123456788")]),
    ("/in/{name}", [("x-webhook-secret", HOOK_SECRET + "x")]),
    ("/in/{name}", [("x-webhook-secret", HOOK_SECRET), ("x-webhook-secret", "another")]),
    ("/in/{name}", [("x-webhook-secret", "\u00ff\u00fe")]),
    ("/in/{name}/00000000000000000000000000000000000000", [("x-webhook-secret", HOOK_SECRET)]),
    ("/in/{name}/{ref}x", [("x-webhook-secret", HOOK_SECRET)]),
    ("/in/{name}/{ref}", []),
    ("/in/{name}/{ref}", [("x-webhook-secret", "another")]),
]


async def test_forgeries_are_refused_alike_and_leave_nothing(tmp_path: Path) -> None:
    task = task_id(1)
    vendor = vendor_knowing(task)
    async with serve(vendor.app) as at_vendor:
        journey = JOURNEY.format(vendor=at_vendor, more="").replace("sources.journey", "sources.busy")
        env = {"PATH_TOKEN": PATH_TOKEN}
        async with serving(tmp_path, journey + OTHERS, env=env) as server:
            assert (await server.post("/in/busy", pick(task))).status_code == 200
            await until(server.calm, "the order is out")
            await vendor.settled()
            ref = str(vendor.bills[0].webhook_url).rpartition("/")[2]
            before = kept(server)
            busy = [await forge(server, path.format(name="busy", ref=ref), said) for path, said in FORGERIES]
            quiet = [await forge(server, path.format(name="quiet", ref=ref), said) for path, said in FORGERIES]
            unsigned = [
                await forge(server, "/in/frame", [("x-webhook-signature", "sha256=" + 64 * "0")]),
                await forge(server, "/in/frame", [("x-webhook-signature", "no hex \u00ff")]),
                await forge(server, "/in/frame", []),
                await forge(server, "/in/mart", []),
                await forge(server, f"/in/mart/{PATH_TOKEN}x", []),
            ]
            after = kept(server)
            await until(lambda: server.rows(TOLD) == [("source.refused_requests",)], "the operator is told of so many")
            genuine = await server.post(f"/in/busy/{ref}", pick(vendor.bills[0].order_id))
    answers = [*busy, *quiet, *unsigned]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    assert len({frozenset(names_of(answer)) for answer in answers}) == 1
    assert before == after
    assert genuine.status_code == 200


async def forge(server: Server, path: str, headers: list[tuple[str, str]]) -> httpx.Response:
    """Posts a pick with exactly these headers."""
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return await server.client.post(path, content=pick(task_id(2)), headers=raw)


def names_of(answer: httpx.Response) -> list[tuple[str, str]]:
    """The answer's headers but for the time."""
    return [(name, value) for name, value in answer.headers.items() if name != "date"]


def kept(server: Server) -> list[tuple[int, ...]]:
    """How much there is of everything."""
    return server.rows(COUNTS)
