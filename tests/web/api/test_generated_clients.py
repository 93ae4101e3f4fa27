"""Clients that are generated from the OpenAPI document have every operation, and work; linters find no error in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from receiver.web.api.openapi import document
from support.face import TOKEN
from support.openapi_tools import node_tools, python_tool, run
from support.served_face import ServedFace

#: Exact, as everything that the tests install; the linter's first version, which runs on Debian's Node too.
TYPESCRIPT: Final = ("openapi-typescript@7.13.0", "typescript@5.9.3")
LINTER: Final = "@redocly/cli@1.34.5"
#: Whatever is done with the generated client in Python.
USE: Final = """\
import sys
from client import AuthenticatedClient
from client.api.jobs import list_jobs, pick_tile, submit_job
from client.models import FollowUp, Job, ListJobsStatus, ListJobsTags, OrderParams, Pick, Problem, Submission

with AuthenticatedClient(base_url=sys.argv[1], token=sys.argv[2]) as client:
    then = [FollowUp(action="pick", index=1, then=FollowUp(action="upscale", kind="subtle"))]
    order = Submission(source="journey", action="imagine", params=OrderParams(prompt="a fox"), then=then)
    job = submit_job.sync(client=client, body=order, idempotency_key="k-1")
    assert isinstance(job, Job) and job.status == "planned" and job.params["prompt"] == "a fox", job
    assert submit_job.sync(client=client, body=order, idempotency_key="k-1").id == job.id

    grids = list_jobs.sync(client=client, status=ListJobsStatus.COMPLETED, since=job.created_at.replace(year=2020))
    (grid,) = grids.items
    picked = pick_tile.sync(grid.id, client=client, body=Pick(index=2))
    assert isinstance(picked, Job) and (picked.action, picked.parent_id) == ("pick", grid.id), picked

    tagged = list_jobs.sync(client=client, tags=ListJobsTags.from_dict({"tag.project": "poster"}))
    assert [one.tags.to_dict() for one in tagged.items] == [{"project": "poster"}], tagged

    refused = submit_job.sync(client=client, body=Submission(source="journey", action="imagine"))
    assert isinstance(refused, Problem) and (refused.status, refused.code) == (400, "invalid_params"), refused
print("done")
"""
#: The same for TypeScript's compiler.
TYPED: Final = """\
import type { operations } from "./api";
type Order = operations["submitJob"]["requestBody"]["content"]["application/json"];
type Job = operations["submitJob"]["responses"]["202"]["content"]["application/json"];
type Pick = operations["pickTile"]["requestBody"]["content"]["application/json"];
const then = [{ action: "pick", index: 1, then: { action: "upscale", kind: "subtle" } }];
export const order: Order = { source: "journey", action: "imagine", params: { prompt: "a fox" }, then };
export const pick: Pick = { index: 2 };
export const told = (job: Job): string => `${job.id} ${job.status} ${job.cost?.amount ?? "?"}`;
// @ts-expect-error an order names its source
export const wrong: Order = { action: "imagine" };
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The document in a file."""
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(document()), "utf-8")
    return file


def operations() -> Iterator[tuple[str, str]]:
    """The tag and the name of each operation."""
    for methods in document()["paths"].values():
        for operation in methods.values():
            yield operation["tags"][0], operation["operationId"]


@pytest.mark.timeout(600)
def test_a_python_client_has_every_operation_and_submits_and_picks(file: Path, tmp_path: Path) -> None:
    generator = python_tool("openapi-python-client")
    told = run(generator, "generate", "--path", str(file), "--output-path", "client", "--meta", "none", folder=tmp_path)
    assert "warning" not in told.lower()
    for tag, name in operations():
        module = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)
        assert (tmp_path / "client" / "api" / tag / f"{module}.py").exists(), (tag, name)
    with ServedFace(tmp_path) as face:
        used = run(python_tool("python"), "-W", "error", "-c", USE, face.address, TOKEN, folder=tmp_path)
    assert used == "done\n"


@pytest.mark.timeout(600)
def test_a_typescript_client_has_every_operation_and_knows_what_an_order_needs(file: Path, tmp_path: Path) -> None:
    (tmp_path / "use.ts").write_text(TYPED, "utf-8")
    script = f"openapi-typescript {file.name} --output api.ts && tsc --noEmit --strict use.ts"
    node_tools(*TYPESCRIPT, script=script, folder=tmp_path)
    typed = (tmp_path / "api.ts").read_text("utf-8")
    assert [name for _, name in operations() if f'operations["{name}"]' not in typed] == []


@pytest.mark.timeout(600)
def test_a_validator_of_openapi_finds_nothing(file: Path) -> None:
    assert run(python_tool("openapi-spec-validator"), str(file)).endswith("OK\n")


@pytest.mark.timeout(600)
def test_a_linter_of_openapi_finds_nothing(file: Path, tmp_path: Path) -> None:
    told = node_tools(LINTER, script=f"redocly lint {file.name}", folder=tmp_path)
    assert "Your API description is valid" in told
    assert "warning" not in told.lower()
