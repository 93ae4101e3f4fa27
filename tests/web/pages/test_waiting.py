"""What waits for a person: shown with what it is about, decided one by one or many at once."""

from __future__ import annotations

from pathlib import Path

from receiver.contracts import Transaction
from receiver.lib import ids
from receiver.model.jobs import Job
from support.browsing import VIEWER, Browser, a_browser, words
from support.records import NOW
from support.unsure import lose_the_answer


async def unsure(browser: Browser, prompt: str = "a lighthouse") -> str:
    """The id of a job whose order was sent and whose answer was lost."""
    await browser.face.submit(params={"prompt": prompt})

    def work(tx: Transaction) -> Job:
        return lose_the_answer(tx, browser.face.setup, "journey", NOW)

    return (await browser.face.store.write(work)).id


async def status(browser: Browser, job: str) -> str:
    """Of a job."""
    return str((await browser.face.get(f"/jobs/{job}"))["status"])


async def test_nothing_waits_at_first(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        assert "Nothing waits for you" in words(await browser.see("/waiting"))


async def test_an_unsure_job_is_told_with_its_decisions_and_what_they_cost(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await unsure(browser, "a <b>fox</b>")
        page = await browser.see("/waiting")
        assert "the answer was lost" in words(page)
        assert "a <b>fox</b>" in words(page)
        assert "another 4 credits" in words(page)
        assert '>1<span class="vh"> wait for you<' in await browser.see("/waiting/count")
        answer = await browser.send(f"/jobs/{job}/resolve", {"decision": "give-up", "back": "/waiting?kind=unsure"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/waiting?kind=unsure")
        assert await status(browser, job) == "failed"
        assert "Nothing waits for you" in words(await browser.see("/waiting?kind=unsure"))


async def test_sending_again_is_a_persons_word(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await unsure(browser)
        await browser.see("/waiting")
        assert (await browser.send(f"/jobs/{job}/resolve", {"decision": "send"})).status_code == 303
        assert await status(browser, job) == "planned"


async def test_many_are_decided_at_once_and_what_cannot_be_is_told(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        jobs = [await unsure(browser, str(number)) for number in range(3)]
        await browser.see("/waiting")
        await browser.send(f"/jobs/{jobs[0]}/resolve", {"decision": "give-up"})
        answer = await browser.send("/waiting/resolve", {"job": [*jobs, "nonsense"], "decision": "give-up"})
        assert answer.headers["location"] == "/waiting?done=2&of=4"
        assert "2 of 4 done; the others were decided already" in words(await browser.see("/waiting?done=2&of=4"))
        assert {await status(browser, job) for job in jobs} == {"failed"}
        for fields in ({"decision": "give-up"}, {"job": jobs, "decision": "nonsense"}):
            assert (await browser.send("/waiting/resolve", fields)).status_code == 400


async def test_a_delivery_that_was_given_up_waits_too(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        delivery = await a_dead_delivery(browser)
        page = await browser.see("/waiting?kind=dead")
        assert "Given up" in words(page)
        answer = await browser.send(f"/deliveries/{delivery}/redeliver", {"back": "/waiting"})
        assert answer.status_code == 303
        assert "Nothing waits for you" in words(await browser.see("/waiting"))


async def test_a_dead_letter_is_left_and_can_still_be_delivered_again(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        delivery = await a_dead_delivery(browser)
        await browser.see("/waiting")
        answer = await browser.send(f"/deliveries/{delivery}/leave", {"back": "/waiting"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/waiting")
        assert "Nothing waits for you" in words(await browser.see("/waiting"))
        assert (await browser.face.get(f"/deliveries/{delivery}"))["status"] == "dead"
        assert "; left now" in words(await browser.see(f"/deliveries/{delivery}"))
        await browser.send(f"/deliveries/{delivery}/redeliver")
        assert (await browser.face.get(f"/deliveries/{delivery}"))["status"] == "pending"


async def test_dead_letters_are_left_or_delivered_again_with_the_rest(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        delivery = await a_dead_delivery(browser)
        job = await unsure(browser)
        await browser.see("/waiting")
        sent = await browser.send("/waiting/resolve", {"job": [job], "delivery": [delivery], "decision": "send"})
        assert sent.headers["location"] == "/waiting?done=1&of=2"
        left = await browser.send("/waiting/resolve", {"delivery": [delivery], "decision": "give-up"})
        assert left.headers["location"] == "/waiting?done=1&of=1"
        assert "Nothing waits for you" in words(await browser.see("/waiting?kind=dead"))
        await browser.send("/waiting/resolve", {"delivery": [delivery], "decision": "check"})
        assert (await browser.face.get(f"/deliveries/{delivery}"))["status"] == "pending"


async def a_dead_delivery(browser: Browser) -> str:
    """The id of a delivery to the sink that was given up."""
    import msgspec

    from support.face import GRID

    await browser.face.post(GRID)
    (found,) = (await browser.face.get("/deliveries", sink="team"))["items"]

    def work(tx: Transaction) -> None:
        kept = tx.delivery(ids.read("dlv", found["id"]) or 0)
        assert kept is not None
        tx.put_delivery(msgspec.structs.replace(kept, state="dead"))

    await browser.face.store.write(work)
    return str(found["id"])


async def test_a_viewer_is_offered_no_decision(tmp_path: Path) -> None:
    async with a_browser(tmp_path, role_token=VIEWER) as browser:
        job = await unsure(browser)
        page = await browser.see("/waiting")
        assert "the answer was lost" in words(page)
        assert 'name="decision"' not in page
        assert (await browser.send(f"/jobs/{job}/resolve", {"decision": "send"})).status_code == 403
        assert await status(browser, job) == "unsure"


async def test_what_leads_elsewhere_is_not_gone_back_to(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        job = await unsure(browser)
        await browser.see("/waiting")
        for target in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:1"):
            answer = await browser.send(f"/jobs/{job}/resolve", {"decision": "check", "back": target})
            assert answer.headers.get("location", f"/jobs/{job}") == f"/jobs/{job}"


async def test_no_kind_that_there_is_not(tmp_path: Path) -> None:
    async with a_browser(tmp_path) as browser:
        await browser.see("/waiting?kind=nonsense", 400)
