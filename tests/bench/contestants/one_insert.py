"""The least that keeps a webhook at all: one row, committed with all that waits; `python one_insert.py PORT`.

A raw ASGI route checks the secret, reads the JSON, and inserts the body under a 64-bit key of its task id. No job, no
event, no deliveries, no log: what is left to win for a server that does more.
"""

from __future__ import annotations

import asyncio
import hmac
import os
import sqlite3
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

import msgspec
from starlette.types import Receive, Scope, Send

from bench.contestants.no_op import serve

#: Webhooks between two checkpoints.
CHECKPOINT_EVERY = 400

Row = tuple[int, bytes]


class OneInsert:
    """The ASGI application and its table."""

    def __init__(self, file: str, secret: bytes) -> None:
        self._secret = secret
        self._db = self._connect(file)
        self._db.execute("CREATE TABLE webhooks (key INTEGER NOT NULL UNIQUE, body BLOB NOT NULL)")
        self._mover = self._connect(file)
        self._writing, self._moving = ThreadPoolExecutor(1), ThreadPoolExecutor(1)
        self._waiting: list[tuple[Row, asyncio.Future[None]]] = []
        self._commits: asyncio.Task[None] | None = None
        self._written = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers 200 once the body is on disk, 401 without the secret."""
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        given = dict(scope["headers"]).get(b"x-webhook-secret", b"")
        genuine = hmac.compare_digest(given, self._secret)
        if genuine:
            task = msgspec.json.decode(body)
            digest = blake2b(task["task_id"].encode(), digest_size=8).digest()
            await self._kept((int.from_bytes(digest, "big", signed=True), body))
        await send({"type": "http.response.start", "status": 200 if genuine else 401, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    def _connect(self, file: str) -> sqlite3.Connection:
        db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"):
            db.execute(f"PRAGMA {pragma}")
        return db

    async def _kept(self, row: Row) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((row, done))
        if self._commits is None:
            self._commits = asyncio.create_task(self._commit())
        await done

    async def _commit(self) -> None:
        """Commits what waits, together, until nothing does."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await loop.run_in_executor(self._writing, self._insert, [row for row, _ in batch])
            for _, done in batch:
                done.set_result(None)
            self._written += len(batch)
            if self._written >= CHECKPOINT_EVERY:
                self._written = 0
                loop.run_in_executor(self._moving, self._mover.execute, "PRAGMA wal_checkpoint(PASSIVE)")
        self._commits = None

    def _insert(self, rows: list[Row]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        self._db.executemany("INSERT OR IGNORE INTO webhooks VALUES (?, ?)", rows)
        self._db.execute("COMMIT")


if __name__ == "__main__":
    serve(OneInsert("webhooks.db", os.environ["WEBHOOK_SECRET"].encode()), int(sys.argv[1]))
