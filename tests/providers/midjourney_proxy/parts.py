"""midjourney-proxy in both flavours, and jobs and orders there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from receiver.contracts import Answer, Call, Order, Parent, Source
from receiver.lib.signatures import Secret
from receiver.model.deliveries import OrderOutcome
from receiver.model.jobs import Image, Job, KeptJob
from receiver.providers.midjourney_proxy import MidjourneyProxy
from receiver.providers.midjourney_proxy.dialect import MidjourneyProxyOptions
from receiver.providers.midjourney_proxy.steps import Flavour

FIXTURES: Final = Path(__file__).parents[2] / "fixtures" / "midjourney-proxy"
BASE: Final = "http://10.0.0.5:8080"
HOOK: Final = "https://hooks.example.com/in/own/ref1"
NOW: Final = 1_795_255_200_000


def account(flavour: Flavour = "trueai", *, simple_change: bool = False) -> Source:
    """An account at a program of this flavour."""
    provider = MidjourneyProxy(
        MidjourneyProxyOptions(flavour=flavour, base_url=BASE + "/", simple_change=simple_change)
    )
    return Source(name="own", provider=provider, base_url=provider.base_url, api_key=Secret("the-key"))


def fixture(name: str) -> Any:
    """A documented body."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


def job(number: int, action: str | None, params: dict[str, Any] | None = None, **more: Any) -> KeptJob:
    """A job there, completed unless `more` says otherwise; `buttons` are what it is known to show."""
    facts = {"buttons": more.pop("buttons")} if "buttons" in more else {}
    awaits = more.pop("awaits_step", False)
    fields = {"status": "completed", "provider_job_id": f"17290{number}", "provider": "midjourney-proxy", **more}
    made = Job(
        id=f"job_{number}",
        source="own",
        action=action,
        params=params or {},
        root_id="job_1",
        created_at="2026-11-21T10:00:00.000Z",
        **fields,
    )
    return KeptJob(number=number, job=made, facts=facts, intent=f"i{number}", awaits_step=awaits)


def buttons(name: str) -> list[str]:
    """The custom ids in a documented task."""
    return [button["customId"] for button in fixture(name)["buttons"]]


def grid(**more: Any) -> KeptJob:
    """A finished imagine."""
    return job(1, "imagine", {"prompt": "a cat"}, **{"grid_url": "https://cdn.example/g.png", **more})


def pick(**more: Any) -> KeptJob:
    """A finished pick, whose buttons are known."""
    images = (Image(index=1, url="https://cdn.example/u2.png"),)
    return job(2, "pick", {"index": 2}, **{"buttons": buttons("assembled_trueai_pick"), "images": images, **more})


def order(
    action: str, params: dict[str, Any] | None = None, parent: KeptJob | None = None, hook: str | None = HOOK
) -> Order:
    """A planned order."""
    kept = job(9, action, params, status="planned", provider_job_id=None)
    return Order(kept=kept, ancestors=() if parent is None else (parent,), webhook_url=hook)


def sent(source: Source, planned: Order, prepared: Answer | None = None) -> tuple[str, dict[str, Any]]:
    """Where an order goes and its body."""
    call: Call = source.provider.order(planned, source, prepared)
    assert (call.method, call.headers["mj-api-secret"]) == ("POST", "the-key")
    return call.url.removeprefix(BASE), json.loads(call.body or b"null")


def answer(value: Any, status: int = 200) -> Answer:
    """An answer with a JSON body."""
    return Answer(status=status, body=json.dumps(value).encode())


def answered(source: Source, planned: Order, value: Any, status: int = 200) -> OrderOutcome:
    """What an answer to an order means."""
    return source.provider.answered(planned, answer(value, status), NOW)


def refusal(
    source: Source, action: str, params: dict[str, Any] | None = None, parent: KeptJob | None = None
) -> str | None:
    """Why an action cannot be ordered after a parent."""
    known = None if parent is None else Parent(action=parent.job.action, provider=parent.job.provider, kept=parent)
    return source.provider.refusal(action, params or {}, known)
