"""The unit of work: what the works of one commit have read and will write, kept in memory, and how to take it back."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from receiver.contracts import ClaimedDue
from receiver.lib.ids import Ids, slot_of
from receiver.model.money import CostSum
from receiver.store.postgres.flush import PendingRows
from receiver.store.postgres.loaded import Asked, LoadedRows

T = TypeVar("T")

#: A work wants the same statement run so often at most: works before it may write what it reads, too.
MOST_ASKED: Final = 3
_ABSENT: Final = object()


class Missing(BaseException):
    """A work has read what is not loaded: it is to run again when it is."""


class NeedsExclusive(BaseException):
    """A work does what only a commit may that has the database to itself."""


class UnitOfWork:
    """What the works of one commit share."""

    def __init__(self, ids: Ids) -> None:
        self.loaded = LoadedRows()
        self.pending = PendingRows()
        #: What the costs that were written change of sums, in order, each under its place.
        self.cost_changes: dict[int, CostSum] = {}
        #: So many of those are in the database already.
        self.flushed_changes = 0
        #: What was claimed, by the place of the work that did and the lanes: that is in the database already.
        self.claimed: dict[tuple[int, tuple[str, ...]], ClaimedDue] = {}
        #: The place of the work that runs, and where the changes stood when it began.
        self.running = 0
        self.began = 0
        #: A work before the one that runs has missed something.
        self.is_behind_another = False
        #: The jobs that the work that runs has asked for, by number, vendor's id or intent; and those of works before
        #: it that are not done yet: what is told of a job is taken in in the order in which it came.
        self.touched: set[object] = set()
        self.blocked: set[object] = set()
        #: A work before was left to a commit of its own, which comes after this one.
        self.has_left = False
        #: How often works that missed something were run again. From then on what they miss is guessed, so that it is
        #: found out what else they will miss.
        self.turn = 0
        #: The work that runs goes by a guess: what it does is taken back.
        self.is_doomed = False
        #: What was written is in the database already, in part.
        self.has_flushed = False
        #: It is to be committed though nothing is written.
        self.must_commit = False
        #: The turns in which works, each by its place, have wanted a statement run.
        self._asked: dict[tuple[int, Asked], set[int]] = {}
        self._ids = ids
        self._newest_before = ids.newest
        self._journal: list[tuple[dict[Any, Any], Any, Any]] = []

    def is_new(self, number: int) -> bool:
        """Whether an id was made in this commit, by this process: nothing is there under it."""
        is_ours = self._ids.slot is not None and slot_of(number) == self._ids.slot
        return is_ours and self._newest_before < number <= self._ids.newest

    def miss(self, wanted: set[Any], key: object, guess: T) -> T:
        """Wants something loaded, and goes on with a guess if there is one; else it raises Missing."""
        wanted.add(key)
        if not self.turn:
            raise Missing
        self.is_doomed = True
        return guess

    def touch(self, job: object) -> None:
        """The work that runs asks for a job: it waits for those before it that have."""
        self.touched.add(job)
        self.is_doomed |= job in self.blocked

    def ask(self, asked: Asked) -> list[Any]:
        """Wants a statement run. Raises NeedsExclusive if a work wants it again and again: it writes what it reads."""
        turns = self._asked.setdefault((self.running, asked), set())
        turns.add(self.turn)
        if len(turns) > MOST_ASKED:
            raise NeedsExclusive
        return self.miss(self.loaded.wanted.reads, asked, [])

    def put(self, among: dict[Any, Any], key: Any, value: Any) -> None:
        """Changes what is kept in memory, so that it can be taken back."""
        self._journal.append((among, key, among.get(key, _ABSENT)))
        among[key] = value

    def mark(self) -> int:
        """Where the changes stand."""
        return len(self._journal)

    def back_to(self, mark: int) -> None:
        """Takes back all changes since then."""
        while len(self._journal) > mark:
            among, key, old = self._journal.pop()
            if old is _ABSENT:
                among.pop(key, None)
            else:
                among[key] = old

    def flushed(self) -> None:
        """What was to be written is in the database now; what was read of the same tables is read again."""
        written = self.pending.tables()
        self.pending.clear()
        self.has_flushed = True
        self.flushed_changes = len(self.cost_changes)
        self.loaded.forget_reads(written)
