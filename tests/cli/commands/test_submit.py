"""`submit` and `pick` without a server: kept, and said so."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.parts import GRID, configured, done, run, values, webhook


def test_a_submitted_job_is_kept_for_the_server(tmp_path: Path) -> None:
    configured(tmp_path)
    shown = done(run(tmp_path, "submit", "journey", "imagine", "--prompt", "a fox", "-p", "version=7", "--tag", "a=b"))
    assert "imagine version=7 at journey: planned, 4 credits\nkept; it is sent when `gridhook serve` runs\n" in shown
    [job] = values(run(tmp_path, "jobs", "--json"))
    assert (job["params"], job["tags"]) == ({"prompt": "a fox", "version": "7"}, {"a": "b"})
    [delivery] = values(run(tmp_path, "deliveries", "--json"))
    assert (delivery["kind"], delivery["status"]) == ("order", "pending")


def test_the_same_idempotency_key_gives_the_same_job(tmp_path: Path) -> None:
    configured(tmp_path)
    order = ("submit", "journey", "imagine", "--idempotency-key", "k", "--json", "--prompt")
    [first] = values(run(tmp_path, *order, "a fox"))
    assert values(run(tmp_path, *order, "a fox")) == [first]
    other = run(tmp_path, *order, "a bee")
    assert (other.exit_code, other.stderr) == (1, "gridhook: this Idempotency-Key was used for another order\n")


@pytest.mark.parametrize(
    ("args", "told", "code"),
    [
        (["nope", "imagine", "--prompt", "x"], "there is no source 'nope': there are: journey", 1),
        (["jurney", "imagine", "--prompt", "x"], "there is no source 'jurney': did you mean \"journey\"?", 1),
        (["journey", "imagine"], "imagine needs a prompt", 2),
        (["journey", "imagine", "--prompt", "x", "-p", "versio=7"], 'did you mean "version"?', 2),
        (["journey", "upscale", "-p", "knd=2x"], "has no parameter 'knd': did you mean \"kind\"?", 2),
        (["journey", "imagine", "--prompt", "x", "--then", '{"action": "pick", "idx": 1}'], 'did you mean "index"?', 2),
        (["journey", "zoom", "-p", "factor=2"], "nearest: outpaint", 1),
        (["journey", "upscale", "--parent", "job_x"], "there is no job 'job_x'", 1),
    ],
)
def test_what_cannot_be_ordered_is_told_in_a_sentence(tmp_path: Path, args: list[str], told: str, code: int) -> None:
    configured(tmp_path)
    result = run(tmp_path, "submit", *args)
    assert result.exit_code == code
    assert told in result.stderr
    assert values(run(tmp_path, "jobs", "--json")) == []


def test_waiting_without_a_server_is_refused_and_orders_nothing(tmp_path: Path) -> None:
    configured(tmp_path)
    result = run(tmp_path, "submit", "journey", "imagine", "--prompt", "x", "--wait")
    assert result.exit_code == 1
    assert "start it, or leave --wait out" in result.stderr
    assert values(run(tmp_path, "jobs", "--json")) == []


def test_a_tile_is_picked_once(tmp_path: Path) -> None:
    configured(tmp_path)
    webhook(tmp_path, GRID)
    [grid] = values(run(tmp_path, "jobs", "--json"))
    [pick] = values(run(tmp_path, "pick", grid["id"], "2", "--json"))
    assert (pick["parent_id"], pick["params"], pick["status"]) == (grid["id"], {"index": 2}, "planned")
    assert values(run(tmp_path, "pick", grid["id"], "2", "--json")) == [pick]


def test_a_tile_of_an_unfinished_grid_is_not_picked(tmp_path: Path) -> None:
    configured(tmp_path)
    [job] = values(run(tmp_path, "submit", "journey", "imagine", "--prompt", "x", "--json"))
    result = run(tmp_path, "pick", job["id"], "1")
    assert result.exit_code == 1
    assert "is planned, not completed" in result.stderr


def test_an_order_over_its_budget_says_what_holds_it_and_not_that_it_is_sent(tmp_path: Path) -> None:
    file = configured(tmp_path)
    file.write_text(file.read_text().replace("secrets ", 'budget = { credits = 1, per = "day" }\nsecrets '))
    result = run(tmp_path, "submit", "journey", "imagine", "--prompt", "x")
    assert result.exit_code == 1
    assert "held, 4 credits\nit is not sent: it waits for its budget, since 20" in result.stdout
    assert "4 more would exceed source journey's 1 credits (0 used)\nto decide: gridhook resolve job_" in result.stdout
    assert "being sent" not in result.stdout
    assert "it is sent when" not in result.stdout


ASKING = """
[[rules]]
name = "poster"
when = { type = "job.completed", action = "imagine", source = "journey" }
then = { action = "pick", index = "ask", within = "2h", default = "none" }
"""


def test_a_question_shows_that_it_waits_and_is_answered_by_pick(tmp_path: Path) -> None:
    configured(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text(file.read_text() + ASKING)
    assert "asks which tile to pick; without an answer the job is canceled, for 2h" in done(run(tmp_path, "check"))
    webhook(tmp_path, GRID)
    [question, grid] = values(run(tmp_path, "jobs", "--json"))
    assert (question["status"], question["hold"]["reason"], question["hold"]["default"]) == ("held", "pick", None)
    assert "held (pick)" in done(run(tmp_path, "jobs"))
    shown = done(run(tmp_path, "jobs", question["id"]))
    assert "its pick, since" in shown
    assert f"gridhook pick {question['id']} 1|2|3|4" in shown
    [picked] = values(run(tmp_path, "pick", grid["id"], "3", "--json"))
    assert (picked["id"], picked["params"], picked["decided_by"]) == (question["id"], {"index": 3}, "cli")
    late = run(tmp_path, "pick", question["id"], "1")
    assert (late.exit_code, late.stderr) == (1, "gridhook: tile 3 was picked already, by cli\n")
    answered = done(run(tmp_path, "jobs", question["id"]))
    assert "decided by" in answered
    assert "cli" in answered


def test_a_question_is_given_up_and_sent_by_its_default_only_if_it_has_one(tmp_path: Path) -> None:
    configured(tmp_path)
    file = tmp_path / "gridhook.toml"
    file.write_text(file.read_text() + ASKING)
    webhook(tmp_path, GRID)
    [question, _] = values(run(tmp_path, "jobs", "--json"))
    refused = run(tmp_path, "resolve", question["id"], "send", "--yes")
    assert refused.exit_code == 1
    assert "has no default: pick a tile, or give it up" in refused.stderr
    [ended] = values(run(tmp_path, "resolve", question["id"], "give-up", "--json"))
    assert ended["status"] == "canceled"
