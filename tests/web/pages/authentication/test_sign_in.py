"""Signing in and out: who is let in, and what nobody gets through with."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from receiver.config import ServerSettings
from receiver.lib.signatures import Secret
from receiver.web.pages.authentication.one_time_links import OneTimeLinks
from support.browsing import VIEWER, a_browser, words
from support.face import GRID, OLD_TOKEN, TOKEN
from support.world import Clock


async def test_a_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_do_not_get(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        answer = await browser.sign_in(next="/waiting?kind=held")
        assert (answer.status_code, answer.headers["location"]) == (303, "/waiting?kind=held")
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert "secure" not in cookie
        assert "max-age" not in cookie
        assert TOKEN not in cookie
        assert answer.headers["cache-control"] == "no-store"


async def test_behind_tls_the_cookie_is_secure_and_stays_if_it_is_wished(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        answer = await browser.client.post("https://gridhook.test/login", data={"token": VIEWER, "stay": "1"})
        cookie = answer.headers["set-cookie"].lower()
        assert "; secure" in cookie
        assert "max-age=2592000" in cookie


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:1", "/é"])
async def test_signing_in_leads_to_no_other_site(tmp_path: Path, target: str) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        assert (await browser.sign_in(next=target)).headers["location"] == "/"


async def test_a_wrong_token_is_refused_and_guessing_is_slow(tmp_path: Path) -> None:
    clock = Clock()
    async with a_browser(tmp_path, role_token=None, clock=clock) as browser:
        for left in ("4 tries are left", "3 tries are left", "2 tries are left", "1 try is left", "in a minute"):
            answer = await browser.sign_in("a-wrong-one")
            assert answer.status_code == 401
            assert left in words(answer.text)
            assert "set-cookie" not in answer.headers
        answer = await browser.sign_in()
        assert answer.status_code == 429
        assert answer.headers["retry-after"] == "60"
        clock.pass_by(60)
        assert (await browser.sign_in("a-wrong-one")).status_code == 401
        assert (await browser.sign_in()).status_code == 429
        clock.pass_by(60)
        assert (await browser.sign_in()).status_code == 303


async def test_another_sites_page_signs_nobody_in(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        for headers in ({"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}):
            answer = await browser.client.post("/login", data={"token": TOKEN}, headers=headers)
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        del browser.client.headers["sec-fetch-site"]
        for origin in ("https://evil.example", "null", "http://gridhook.test.evil.example"):
            answer = await browser.client.post("/login", data={"token": TOKEN}, headers={"origin": origin})
            assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
        answer = await browser.client.post("/login", data={"token": TOKEN}, headers={"origin": "http://gridhook.test"})
        assert answer.status_code == 303


async def test_a_page_asks_a_stranger_to_sign_in_and_goes_on_there(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=None) as browser:
        page = await browser.see("/waiting?kind=held", 401)
        assert 'name="next" value="/waiting?kind=held"' in page
        assert "Your pictures, as they come in" in words(page)


@pytest.mark.parametrize(
    "change",
    [
        lambda cookie: "",
        lambda cookie: cookie[:-1] + ("0" if cookie[-1] != "0" else "1"),
        lambda cookie: "9" + cookie,
        lambda cookie: cookie.replace(".", ".x", 1),
        lambda cookie: cookie.rpartition(".")[0] + ".",
        lambda cookie: "9" * 5000,
        lambda cookie: "..",
        lambda cookie: "\u0661" + cookie,
    ],
)
async def test_a_forged_cookie_is_nobodys(tmp_path: Path, change: object) -> None:
    assert callable(change)
    async with a_browser(tmp_path) as browser:
        cookie = browser.client.cookies["gridhook_session"]
        await browser.see("/waiting")
        browser.client.cookies.clear()
        header = b"gridhook_session=" + change(cookie).encode()
        answer = await browser.client.get("/waiting", headers=[(b"cookie", header)])
        assert answer.status_code == 401


async def test_a_session_is_over_after_its_time(tmp_path: Path) -> None:
    clock = Clock()
    async with a_browser(tmp_path, clock=clock) as browser:
        clock.pass_by(12 * 3600 - 1)
        await browser.see("/waiting")
        clock.pass_by(1)
        await browser.see("/waiting", 401)


async def test_signing_out_ends_this_session_in_this_browser(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.see("/waiting")
        answer = await browser.send("/logout")
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert answer.headers["clear-site-data"] == '"cache"'
        assert "gridhook_session" not in browser.client.cookies
        await browser.see("/waiting", 401)


async def test_a_copy_of_a_cookie_that_was_signed_out_opens_nothing_and_other_sessions_go_on(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        stolen = browser.client.cookies["gridhook_session"]
        other = httpx.AsyncClient(transport=httpx.ASGITransport(browser.face.app), base_url="http://gridhook.test")
        async with other:
            assert (await other.post("/login", data={"token": TOKEN})).status_code == 303
            await browser.see("/")
            assert (await browser.send("/logout")).status_code == 303
            headers = {"cookie": f"gridhook_session={stolen}"}
            browser.client.cookies.clear()
            assert (await browser.client.get("/", headers=headers)).status_code == 401
            assert (await browser.client.get("/metrics", headers=headers)).status_code == 401
            assert (await other.get("/")).status_code == 200


async def test_signing_out_everywhere_ends_every_session(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        elsewhere = browser.client.cookies["gridhook_session"]
        await browser.see("/waiting")
        assert (await browser.send("/logout", {"all": "1"})).status_code == 303
        browser.client.cookies.set("gridhook_session", elsewhere)
        await browser.see("/waiting", 401)
        browser.client.cookies.clear()
        assert (await browser.sign_in()).status_code == 303
        await browser.see("/waiting")


async def test_a_viewer_signs_nobody_out_but_themselves(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=VIEWER) as browser:
        page = await browser.see("/waiting")
        assert "Signed in as viewer" in words(page)
        assert (await browser.send("/logout", {"all": "1"})).status_code == 403
        await browser.see("/waiting")
        assert (await browser.send("/logout")).status_code == 303


async def test_signing_out_takes_a_form_of_this_session(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        answer = await browser.client.post("/logout", data={"all": "1"})
        assert answer.status_code == 403
        await browser.see("/waiting")


async def test_where_no_token_is_configured_only_this_machine_is_answered(tmp_path: Path) -> None:
    async with a_browser(tmp_path, token=None, role_token=None) as browser:
        client = browser.client
        assert "No token is configured" in words(await browser.see("/waiting", 401))
        for host in ("127.0.0.1:8000", "localhost:8000", "[::1]:8000"):
            assert (await client.get("/waiting", headers={"host": host})).status_code == 200
            assert (await client.get("/api/v1/jobs", headers={"host": host})).status_code == 200
        for headers in (
            {"host": "evil.example"},
            {"host": "127.0.0.1.evil.example"},
            {"host": "localhost", "x-forwarded-for": "127.0.0.1"},
            {"host": "localhost", "forwarded": "for=127.0.0.1"},
            {"host": "localhost", "x-real-ip": "127.0.0.1"},
            {"host": "localhost", "sec-fetch-site": "cross-site"},
            {"host": "localhost", "sec-fetch-site": "", "origin": "https://evil.example"},
        ):
            assert (await client.get("/waiting", headers=headers)).status_code == 401, headers
            assert (await client.get("/api/v1/jobs", headers=headers)).status_code == 401, headers


async def test_every_page_forbids_what_is_not_its_own(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        for path in ("/login", "/", "/waiting"):
            answer = await browser.client.get(path)
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert answer.headers["cache-control"] == "no-store"


async def test_while_a_token_is_changed_both_sign_in_and_taking_one_away_ends_its_sessions(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=OLD_TOKEN) as browser:
        await browser.see("/")
        browser.face.adopt(ServerSettings(admin_token=(Secret(TOKEN),)))
        await browser.see("/", status=401)
        assert (await browser.sign_in(TOKEN)).status_code == 303
        await browser.see("/")


async def test_a_link_signs_in_once_and_not_for_long(tmp_path: Path) -> None:
    clock = Clock()
    async with a_browser(tmp_path, role_token=None, clock=clock) as browser:
        path = browser.face.app.state.sign_in_path()
        assert (await browser.client.head(path)).status_code == 401
        answer = await browser.client.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        assert answer.headers["referrer-policy"] == "no-referrer"
        await browser.see("/")
        browser.client.cookies.clear()
        assert "used already" in words(await browser.see(path, status=401))
        late = browser.face.app.state.sign_in_path()
        clock.pass_by(601)
        await browser.see(late, status=401)
        await browser.see("/login?once=" + "x" * 1000, status=401)
        await browser.see("/", status=401)


async def test_no_more_links_are_kept_than_some() -> None:
    links = OneTimeLinks()
    codes = [links.make(0) for _ in range(25)]
    assert [links.take(code, 1) for code in codes] == [False] * 5 + [True] * 20


USER = {"x-forwarded-user": "Ada Lovelace"}


async def test_whom_a_trusted_proxy_names_decides_under_that_name(tmp_path: Path) -> None:
    async with (
        a_browser(tmp_path, role_token=None, user_header="X-Forwarded-User") as browser,
        browser.face.served(("127.0.0.1",)) as base,
        httpx.AsyncClient(base_url=base, headers={"sec-fetch-site": "same-origin"}) as client,
    ):
        assert (await client.get("/")).status_code == 401
        assert (await client.get("/", headers={"x-forwarded-user": ""})).status_code == 401
        twice = [("x-forwarded-user", "Ada"), ("x-forwarded-user", "Eve")]
        assert (await client.get("/", headers=twice)).status_code == 401
        await browser.face.post(GRID)
        (grid,) = (await browser.face.get("/jobs"))["items"]
        page = (await client.get(f"/jobs/{grid['id']}", headers=USER)).text
        assert "You are Ada Lovelace" in words(page)
        csrf = re.findall(r'name="csrf" value="([0-9a-f]+)"', page)[0]
        form = {"csrf": csrf, "index": "2"}
        path = f"/jobs/{grid['id']}/pick"
        assert (await client.post(path, data=form, headers={"x-forwarded-user": "Eve"})).status_code == 403
        cross = {**USER, "sec-fetch-site": "cross-site"}
        assert (await client.post(path, data=form, headers=cross)).status_code == 403
        assert (await client.post(path, data=form, headers=USER)).status_code == 303
        (picked,) = (await browser.face.get("/jobs", parent_id=grid["id"]))["items"]
        assert picked["decided_by"] == "page:Ada Lovelace"
        # The API takes tokens, whoever a proxy says it is.
        assert (await client.get("/api/v1/jobs", headers=USER)).status_code == 401


async def test_whom_anybody_else_names_is_a_stranger(tmp_path: Path) -> None:
    async with (
        a_browser(tmp_path, role_token=None, user_header="X-Forwarded-User") as browser,
        browser.face.served(("10.0.0.1",)) as base,
        httpx.AsyncClient(base_url=base) as client,
    ):
        assert (await client.get("/", headers=USER)).status_code == 401
