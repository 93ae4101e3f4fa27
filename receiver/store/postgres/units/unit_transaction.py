"""What a flow reads and writes within a unit of work."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from receiver.contracts import ClaimedDue, LaneLimits, MissingWebhooks
from receiver.lib import ids as id_text
from receiver.lib.ids import Ids
from receiver.model.deliveries import Delivery
from receiver.model.destinations import Destination
from receiver.model.jobs import JobWarning, KeptJob
from receiver.store.postgres.units import flush
from receiver.store.postgres.units.loaded import forgotten_key
from receiver.store.postgres.units.noted import UnitStatements
from receiver.store.postgres.units.unit import Missing, NeedsExclusive, UnitOfWork
from receiver.store.postgres.units.unit_choices import UnitChoices
from receiver.store.postgres.units.unit_money import UnitMoney
from receiver.store.tables import deliveries, events
from receiver.store.tables.deliveries import changing_values
from receiver.store.tables.jobs import IS_OPEN


class UnitTransaction(UnitMoney):
    """`receiver.contracts.Transaction` on a unit of work: what is not loaded yet cuts the work off."""

    def __init__(self, unit: UnitOfWork, ids: Ids, choices: UnitChoices, owner: int) -> None:
        self._statements = UnitStatements(unit)
        super().__init__(self._statements, ids, choices, owner)
        self._unit = unit

    # --- jobs

    def job(self, number: int) -> KeptJob | None:
        """A job by its number."""
        loaded = self._unit.loaded
        self._unit.touch(number)
        if number in loaded.jobs:
            return loaded.jobs[number]
        return None if self._unit.is_new(number) else self._unit.miss(loaded.wanted.jobs, number, None)

    def job_at(self, source: str, provider_job_id: str) -> KeptJob | None:
        """The job that a source's vendor knows by this id."""
        key, loaded = (source, provider_job_id), self._unit.loaded
        self._unit.touch(key)
        number = loaded.at[key] if key in loaded.at else self._unit.miss(loaded.wanted.at, key, None)
        return None if number is None else loaded.jobs[number]

    def job_for(self, intent: str) -> KeptJob | None:
        """The job that was planned for this intent."""
        loaded = self._unit.loaded
        self._unit.touch(intent)
        known = loaded.intents
        number = known[intent] if intent in known else self._unit.miss(loaded.wanted.intents, intent, None)
        return None if number is None else loaded.jobs[number]

    def question_for(self, intent: str) -> KeptJob | None:
        """The job that asks or asked this question, whatever became of it."""
        loaded = self._unit.loaded
        self._unit.touch(intent)
        known = loaded.questions
        number = known[intent] if intent in known else self._unit.miss(loaded.wanted.questions, intent, None)
        return None if number is None else loaded.jobs[number]

    def add_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Keeps a new job."""
        super().add_job(kept, event)
        self._remember(kept)
        if kept.job.parent_id is not None:
            root, families = id_text.read("job", kept.job.root_id) or 0, self._unit.loaded.families
            if root in families or self._unit.is_new(root):
                self._unit.put(families, root, families.get(root, 0) + 1)

    def put_job(self, kept: KeptJob, event: int | None = None) -> None:
        """Writes a job that is kept anew."""
        before = self.job(kept.number)
        if before is None:
            raise LookupError(f"job {kept.job.id} is not kept, so it cannot be changed")
        loaded, job = self._unit.loaded, before.job
        if job.provider_job_id not in (None, kept.job.provider_job_id):
            self._unit.put(loaded.at, (job.source, job.provider_job_id), None)
        if before.intent not in (None, kept.intent) and kept.question_intent is not None:
            self._unit.put(loaded.intents, before.intent, None)
        super().put_job(kept, event)
        self._remember(kept)

    def _remember(self, kept: KeptJob) -> None:
        put, loaded, job = self._unit.put, self._unit.loaded, kept.job
        put(loaded.jobs, kept.number, kept)
        if kept.number not in loaded.event_keys:
            put(loaded.event_keys, kept.number, frozenset())
        if job.provider_job_id is not None:
            put(loaded.at, (job.source, job.provider_job_id), kept.number)
        if kept.intent is not None:
            put(loaded.intents, kept.intent, kept.number)
        if kept.question_intent is not None:
            put(loaded.questions, kept.question_intent, kept.number)

    def check_job_at(self, number: int, at: int) -> None:
        """Lets a job be looked at from this moment on."""
        kept = self.job(number)
        if kept is not None:
            super().check_job_at(number, at)
            self._unit.put(self._unit.loaded.jobs, number, msgspec.structs.replace(kept, check_at=at))

    def family_size(self, root_id: str) -> int:
        """How many jobs a root has led to, itself included; its job is to be loaded, which locks the family."""
        root, loaded = id_text.read("job", root_id) or 0, self._unit.loaded
        if root in loaded.families:
            return 1 + loaded.families[root]
        return 1 if self._unit.is_new(root) else 1 + self._unit.miss(loaded.wanted.families, root, 0)

    def held(self, source: str, reason: str) -> list[KeptJob]:
        """The held jobs of a source, oldest first."""
        held = f"SELECT number FROM jobs WHERE source = ? AND status = 'held' AND {IS_OPEN} ORDER BY number"
        jobs = self._numbered(held, (source,))
        return [kept for kept in jobs if kept.job.hold is not None and kept.job.hold.reason == reason]

    def questions_about(self, work: str) -> list[KeptJob]:
        """Every question whose intent begins with this name of a piece of work, oldest first."""
        about = "question IS NOT NULL AND question >= ? AND question < ?"
        return self._numbered(f"SELECT number FROM jobs WHERE {about} ORDER BY number", (f"{work}|", f"{work}}}"))

    def due_checks(self, source: str, now: int, limit: int) -> list[KeptJob]:
        """Jobs whose look is due, the longest due first."""
        due = "SELECT number FROM jobs WHERE source = ? AND check_at <= ? ORDER BY check_at, number LIMIT ?"
        return [one for one in self._numbered(due, (source, now, limit)) if one.check_at is not None]

    def open_jobs(self) -> Iterator[KeptJob]:
        """Every job that is not over."""
        return iter(self._numbered(f"SELECT number FROM jobs WHERE {IS_OPEN}", ()))

    def _numbered(self, sql: str, values: tuple[object, ...]) -> list[KeptJob]:
        """The jobs whose numbers a statement returns, each locked."""
        numbers = [number for (number,) in self._db.execute(sql, values).fetchall()]
        missing = [number for number in numbers if number not in self._unit.loaded.jobs]
        self._unit.loaded.wanted.jobs.update(missing)
        return [kept for number in numbers if (kept := self.job(number)) is not None]

    def count_warning(self, source: str, warning: JobWarning) -> None:
        """Counts a job of a source that ended with a warning."""
        key = (source, warning)
        *_, jobs = self._unit.pending.of(flush.WARNINGS).get(key) or (0,)
        self._statements.note(flush.WARNINGS, key, (*key, jobs + 1))

    # --- deliveries

    def delivery(self, number: int) -> Delivery | None:
        """A delivery by its number."""
        loaded = self._unit.loaded
        if number in loaded.deliveries:
            return loaded.deliveries[number]
        new = self._unit.pending.of(flush.NEW_DELIVERIES).get(number)
        if new is not None:
            return deliveries.delivery_of(tuple(new))
        return self._unit.miss(loaded.wanted.deliveries, number, None)

    def order_delivery(self, job: int) -> Delivery | None:
        """The delivery that brings a planned job to its vendor."""
        loaded = self._unit.loaded
        if job in loaded.orders:
            number = loaded.orders[job]
            return None if number is None else self.delivery(number)
        return None if self._unit.is_new(job) else self._unit.miss(loaded.wanted.orders, job, None)

    def add_delivery(self, delivery: Delivery) -> None:
        """Keeps a new delivery."""
        super().add_delivery(delivery)
        self._unit.put(self._unit.loaded.deliveries, delivery.number, delivery)
        if delivery.event is None:
            self._unit.put(self._unit.loaded.orders, delivery.job, delivery.number)

    def put_delivery(self, delivery: Delivery) -> None:
        """Writes a delivery's state, whatever it was."""
        self.delivery(delivery.number)
        new = self._unit.pending.of(flush.NEW_DELIVERIES)
        if delivery.number in new:
            self._unit.put(new, delivery.number, msgspec.structs.astuple(delivery))
        else:
            self._statements.note(flush.DELIVERIES, delivery.number, (*changing_values(delivery), delivery.number))
        self._unit.put(self._unit.loaded.deliveries, delivery.number, delivery)

    def settle(self, delivery: Delivery, after: Delivery) -> bool:
        """Writes a delivery's new state if it is still running in this attempt; False if it is not (fenced)."""
        return self.settle_all([(delivery, after)])[0]

    def settle_all(self, settled: Sequence[tuple[Delivery, Delivery]]) -> list[bool]:
        """The same for several deliveries, none of them twice; each before and after."""
        loaded = self._unit.loaded
        missing = [before.number for before, _ in settled if before.number not in loaded.deliveries]
        loaded.wanted.deliveries.update(missing)
        # What is not loaded is likely to be what it was.
        unseen = set(missing) if self._unit.turn else set()
        there = [self.delivery(before.number) for before, _ in settled]
        ours = [
            before.number in unseen or (one is not None and one.state == "running" and one.attempt == before.attempt)
            for one, (before, _) in zip(there, settled, strict=True)
        ]
        for is_ours, (before, after) in zip(ours, settled, strict=True):
            if is_ours:
                self.put_delivery(msgspec.structs.replace(after, number=before.number))
        return ours

    def run_out(self, now: int) -> list[Delivery]:
        """Leased deliveries whose lease is over: of those that run, since a run again has another present."""
        running = f"SELECT {deliveries.DELIVERY_COLUMNS} FROM deliveries WHERE state = 'running'"
        return [one for row in self._db.execute(running) if (one := deliveries.delivery_of(row)).due_at <= now]

    def claim(self, lanes: Sequence[LaneLimits], now: int) -> ClaimedDue:
        """Takes due deliveries of all these lanes, once what the works before it write is there to be claimed."""
        name = (self._unit.running, tuple(one.lane for one in lanes))
        claimed = self._unit.claimed.get(name)
        if claimed is not None:
            return claimed
        if self._unit.has_left or self._unit.mark() > self._unit.began:
            raise NeedsExclusive  # a work before, or this one, has written something that a claim has to see
        if not self._unit.is_behind_another and self._unit.loaded.wanted.claim is None:
            self._unit.loaded.wanted.claim = (name, lanes, now)
        raise Missing

    # --- what is read only

    def event(self, number: int) -> bytes | None:
        """An event's JSON by its number."""
        row = self._unit.loaded.events.get(number)
        if row is None:
            row = self._one(events.BY_NUMBER, (number,))
        if row is None:
            return None
        self._unit.loaded.events[number] = row  # it never changes
        return self._cloud_event(row)

    def receipt(self, lane: str, job: int) -> str | None:
        """What the handler of this lane last remembered about this job."""
        key, receipts = (lane, job), self._unit.loaded.receipts
        if key in receipts and not self._unit.pending.of(flush.DELIVERIES):
            return receipts[key]
        return super().receipt(lane, job)

    def probe(self, size: int) -> None:
        """Takes part in a commit: the database sees to its room by itself, so that no bytes are written for it."""
        self._unit.must_commit = True

    # --- small tables

    def destination(self, lane: str) -> Destination | None:
        """What a lane has met with lately; None if it takes everything."""
        return self.small().destinations.get(lane)

    def put_destination(self, destination: Destination) -> None:
        """Remembers what a lane met with."""
        self.clear_destination(destination.lane)
        self._statements.note(flush.DESTINATIONS, destination.lane, msgspec.structs.astuple(destination))
        self._unit.put(self.small().destinations, destination.lane, destination)

    def clear_destination(self, lane: str) -> None:
        """The lane takes everything again."""
        if not self._unit.loaded.owns_destinations:
            self._unit.miss(self._unit.loaded.wanted.destinations, lane, None)
        self._statements.note(flush.FREE_DESTINATIONS, lane, (lane,))
        self._statements.note(flush.DESTINATIONS, lane, None)
        self._unit.put(self.small().destinations, lane, None)

    def missing_webhooks(self, source: str) -> MissingWebhooks | None:
        """The jobs of a source that completed by asking while no webhook of it came; None if there are none."""
        return self.small().missing_webhooks.get(source)

    def put_missing_webhooks(self, missing: MissingWebhooks) -> None:
        """Remembers how many they are."""
        self._statements.note(flush.FREE_MISSING, missing.source, None)
        self._statements.note(flush.MISSING, missing.source, msgspec.structs.astuple(missing))
        self._unit.put(self.small().missing_webhooks, missing.source, missing)

    def clear_missing_webhooks(self, source: str) -> None:
        """The source's webhooks come."""
        self._statements.note(flush.FREE_MISSING, source, (source,))
        self._statements.note(flush.MISSING, source, None)
        self._unit.put(self.small().missing_webhooks, source, None)

    def forgotten(self, source: str, provider_job_id: str) -> bool:
        """Whether the vendor's job was pruned."""
        if not self.small().some_forgotten:
            return False
        key, loaded = forgotten_key(source, provider_job_id), self._unit.loaded
        if key in loaded.forgotten:
            return loaded.forgotten[key]
        return self._unit.miss(loaded.wanted.forgotten, key, guess=False)

    def pruned(self, number: int) -> bool:
        """Whether a job that there certainly was is not here because it was pruned."""
        before = self.small().numbers.get("pruned_before")
        return before is not None and number < before and self.job(number) is None
