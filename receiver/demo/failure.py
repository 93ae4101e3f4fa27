"""When the story does not go as told: what should have happened, what was seen, and how things stand."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from receiver.demo.outside import Api, NotAnswered
from receiver.demo.screen import plain
from receiver.model.jobs import Job

#: Lines of the log that are shown.
TAIL: Final = 10


class StoryFailed(Exception):
    """The story cannot go on."""

    def __init__(self, expected: str, seen: str) -> None:
        super().__init__(f"expected: {expected}; seen: {seen}")
        self.expected = expected
        self.seen = seen


async def explain(wrong: StoryFailed | NotAnswered, api: Api, log: Path) -> None:
    """Says on standard error what was expected, what was seen, every job's status and the log's end."""
    expected, seen = (wrong.expected, wrong.seen) if isinstance(wrong, StoryFailed) else ("the API answers", str(wrong))
    tell("gridhook: the story broke", f"  expected  {expected}", f"  seen      {seen}")
    try:
        tell(*(f"  job       {_status(job)}" for job in reversed(await api.jobs())))
    except NotAnswered as deaf:
        tell(f"  jobs      not known: {deaf}")
    tell(*(f"  log       {line}" for line in _end_of(log)))


def tell(*lines: str) -> None:
    """Lines beside the story, on standard error."""
    for line in lines:
        # The exit code tells it too, to whom cannot read this.
        with suppress(OSError):
            print(plain(line), file=sys.stderr, flush=True)


def named(job: Job) -> str:
    """What a job is, in a word or two."""
    detail = job.params.get("kind") if job.action == "upscale" else job.params.get("index")
    return " ".join(str(word) for word in (job.action or "another tool's job", detail) if word is not None)


def _end_of(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]


def _status(job: Job) -> str:
    why = f": {job.error.message}" if job.error else ""
    return f"{job.id}  {job.source}  {named(job)}  {job.status}{why}"
