"""`redeliver`, `resend` and `reparse`."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from cli.parts import GRID, configured, done, on, picked, run, values, webhook
from receiver.cli import Runtime
from receiver.contracts import Filters, Transaction


def kill_all(folder: Path) -> None:
    """Makes every delivery a dead letter."""

    def work(tx: Transaction) -> None:
        for delivery in tx.deliveries(Filters(limit=500)):
            tx.put_delivery(msgspec.structs.replace(delivery, state="dead"))

    async def written(parts: Runtime) -> None:
        await parts.store.write(work)

    on(folder, written)


def test_all_dead_deliveries_to_sinks_are_sent_again_but_no_order(tmp_path: Path) -> None:
    picked(tmp_path)
    kill_all(tmp_path)
    shown = done(run(tmp_path, "redeliver", "--dead"))
    assert shown == "2 deliveries will be sent again; kept; it is sent when `gridhook serve` runs\n"
    [order] = values(run(tmp_path, "deliveries", "--json", "--status", "dead"))
    assert order["kind"] == "order"
    assert len(values(run(tmp_path, "deliveries", "--json", "--status", "pending"))) == 2


def test_dead_deliveries_of_another_sink_stay_dead(tmp_path: Path) -> None:
    picked(tmp_path)
    configured(tmp_path, '[sinks.other]\nhandler = "log"\n')
    kill_all(tmp_path)
    assert values(run(tmp_path, "redeliver", "--dead", "--sink", "other", "--json")) == [
        {"redelivered": 0, "deliveries": []}
    ]


def test_what_was_for_a_sink_that_is_gone_stays_dead(tmp_path: Path) -> None:
    picked(tmp_path)
    kill_all(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text(file.read_text().replace("[sinks.log]", "[sinks.other]").replace('["log"]', '["other"]'))
    shown = done(run(tmp_path, "redeliver", "--dead"))
    assert shown == ("0 deliveries will be sent again\n2 stay dead: for sinks that are not configured any more\n")
    event = next(view for view in values(run(tmp_path, "deliveries", "--json")) if view["kind"] == "event")
    refused = run(tmp_path, "redeliver", event["id"])
    assert (refused.exit_code, refused.stderr) == (1, "gridhook: sink 'log' is not configured any more\n")
    assert len(values(run(tmp_path, "deliveries", "--json", "--status", "dead"))) == 3


def test_one_delivery_is_sent_again_and_an_order_never(tmp_path: Path) -> None:
    picked(tmp_path)
    kill_all(tmp_path)
    views = values(run(tmp_path, "deliveries", "--json"))
    event = next(view for view in views if view["kind"] == "event")
    order = next(view for view in views if view["kind"] == "order")
    assert done(run(tmp_path, "redeliver", event["id"])).startswith("1 delivery will be sent again")
    refused = run(tmp_path, "redeliver", order["id"])
    assert refused.exit_code == 1
    assert "it would be paid again" in refused.stderr


def test_a_request_is_read_again_and_a_known_one_changes_nothing(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    [view] = values(run(tmp_path, "requests", "--json"))
    assert done(run(tmp_path, "reparse", view["id"])) == "1 request read again: 1 mapped; 0 new events\n"


def test_requests_are_read_again_by_their_status(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    webhook(tmp_path, {"odd": 1})
    webhook(tmp_path, {"odd": 2})
    taken = values(run(tmp_path, "reparse", "--status", "unmapped", "--json"))
    assert [one["status"] for one in taken] == ["unmapped", "unmapped"]
    # Oldest first, as they came in.
    assert [one["request"] for one in taken] == sorted(one["request"] for one in taken)


@pytest.mark.parametrize(
    "args", [["redeliver"], ["redeliver", "dlv_x", "--dead"], ["redeliver", "dlv_x", "--sink", "log"], ["reparse"]]
)
def test_it_must_be_said_what_is_meant(tmp_path: Path, args: list[str]) -> None:
    configured(tmp_path)
    assert run(tmp_path, *args).exit_code == 2


@pytest.mark.parametrize("args", [["redeliver", "dlv_x"], ["reparse", "req_0000000000000"]])
def test_what_is_not_there_is_a_failure(tmp_path: Path, args: list[str]) -> None:
    configured(tmp_path)
    result = run(tmp_path, *args)
    assert result.exit_code == 1
    assert "there is no" in result.stderr


# --- resend ----------------------------------------------------------------------------------------------------------


def test_old_events_go_to_a_new_sink_oldest_first(tmp_path: Path) -> None:
    picked(tmp_path)
    configured(tmp_path, '[sinks.other]\nhandler = "log"\n')
    events = [one["id"] for one in values(run(tmp_path, "events", "--json"))][::-1]
    shown = done(run(tmp_path, "resend", "--since", "1h", "--to", "other"))
    assert shown == f"{len(events)} events will be sent to other; kept; it is sent when `gridhook serve` runs\n"
    made = values(run(tmp_path, "deliveries", "--json", "--sink", "other"))[::-1]
    assert [one["event_id"] for one in made] == events


def test_one_event_is_resent(tmp_path: Path) -> None:
    picked(tmp_path)
    (event, *_) = values(run(tmp_path, "events", "--json"))
    [answer] = values(run(tmp_path, "resend", event["id"], "--to", "log", "--json"))
    assert answer["resent"] == 1
    assert run(tmp_path, "resend", "evt_0000000000001", "--to", "log").exit_code == 1


@pytest.mark.parametrize(
    "arguments", [("--to", "log"), ("evt_1", "--since", "1h", "--to", "log"), ("evt_1", "--to", "lgo")]
)
def test_resend_wants_events_and_a_sink_that_there_is(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    picked(tmp_path)
    assert run(tmp_path, "resend", *arguments).exit_code == 2
