"""The move itself: copies table by table, goes on where an earlier one stopped, and compares at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from decimal import Decimal
from hashlib import blake2b, sha256
from typing import Any, Final, NamedTuple

import msgspec

from receiver.contracts.moves import Moved, MovedTable
from receiver.errors import StoreRefused, StoreUnavailable
from receiver.store.moving.ends import NAMED, MoveEnd, MoveMark, Row, Shape
from receiver.store.sql.exact import exact_sum

#: A transaction takes no more than so many rows, and begins no further one behind so many bytes.
CHUNK_ROWS: Final = 2_000
CHUNK_BYTES: Final = 8 << 20
DIGEST_BYTES: Final = 16
#: What stands for U+0000.
NO_NUL: Final = "\N{REPLACEMENT CHARACTER}"

#: Hears what is done, how much of it, and how much there is (0 = not known).
Told = Callable[[str, int, int], None]


class TableSummary(NamedTuple):
    """What two tables are compared by."""

    rows: int
    first: int | None
    last: int | None
    #: The hashes of all rows, added up: the order of rows does not count, which is not the same in both engines.
    digest: int
    costs: dict[str, Decimal]


class Move:
    """From one database into another; both are open, for nobody else."""

    def __init__(self, source: MoveEnd, target: MoveEnd, told: Told) -> None:
        self._source = source
        self._target = target
        self._told = told
        self._shapes = shared_shapes(source, target)
        identity = sha256(source.ref_key() + source.name.encode("utf-8", "surrogateescape")).hexdigest()
        self._mark = MoveMark(identity=identity, source=source.name)

    def run(self) -> Moved:
        """Moves everything. Raises StoreRefused if the target holds anything else, or comes out different."""
        found = self._target.mark()
        if found is None:
            self._refuse_used()
        elif found.identity != self._mark.identity:
            raise StoreRefused(
                f"{self._target.name} holds a part of another database, {found.source}: finish that move, or name an "
                "empty database"
            )
        else:
            self._mark = found
        counts = {table: self._source.count(table) for table in self._shapes}
        self._copy(counts)
        tables = self._compared(counts, may_copy_again=found is not None)
        lost = self._lost()
        self._target.finish()
        costs = tables["costs"].costs if "costs" in tables else {}
        return Moved(
            source=self._source.name,
            target=self._target.name,
            resumed=found is not None,
            rows=sum(one.rows for one in tables.values()),
            lost=lost,
            tables=[
                MovedTable(name=name, rows=one.rows, first=one.first, last=one.last) for name, one in tables.items()
            ],
            costs={unit: format(amount, "f") for unit, amount in sorted(costs.items())},
        )

    def _refuse_used(self) -> None:
        # What is known by name is made with a database, before anything is in it.
        used = [table for table in self._target.shapes() if table not in NAMED and self._target.count(table)]
        if used:
            raise StoreRefused(
                f"{self._target.name} is not empty ({', '.join(sorted(used)[:3])}): name an empty database, "
                "what is in this one would be lost or mixed up"
            )

    # --- copying

    def _copy(self, counts: dict[str, int]) -> None:
        total = sum(counts.values())
        copied = sum(counts[table] for table in self._mark.done if table in counts)
        for table, shape in self._shapes.items():
            if table in self._mark.done:
                continue
            after: tuple[Any, ...] = ()
            if self._mark.table == table and self._mark.after and table not in NAMED:
                after = self._mark.after
                copied += self._target.count(table)
            else:
                # What is known by name is there already, as in every database; it is little, so it begins anew.
                self._mark = msgspec.structs.replace(self._mark, table=table, after=())
                self._target.clear(table, self._mark)
            for rows in chunks(moved_rows(table, shape, self._source.rows(table, shape, after))):
                self._told(f"copying {table}", copied, total)
                self._mark = msgspec.structs.replace(self._mark, after=key_of(shape, rows[-1]))
                self._target.add(table, shape, rows, self._mark)
                copied += len(rows)
            self._mark = msgspec.structs.replace(self._mark, done=(*self._mark.done, table), table="", after=())
            self._target.add(table, shape, (), self._mark)

    # --- comparing

    def _compared(self, counts: dict[str, int], *, may_copy_again: bool) -> dict[str, TableSummary]:
        """Every table, the same on both sides. Raises StoreRefused if one is not."""
        found: dict[str, TableSummary] = {}
        total, compared = sum(counts.values()), 0
        for table, shape in self._shapes.items():
            self._told(f"comparing {table}", compared, total)
            compared += counts[table]
            ours, theirs = self._summaries(table, shape)
            if ours != theirs and may_copy_again:
                # The source went on being used between two runs: of this table everything is copied anew.
                done = tuple(one for one in self._mark.done if one != table)
                self._mark = msgspec.structs.replace(self._mark, done=done)
                self._copy(counts)
                ours, theirs = self._summaries(table, shape)
            if ours != theirs:
                raise StoreRefused(
                    f"{self._target.name} did not come out the same: {table} has {theirs.rows} rows there and "
                    f"{ours.rows} in {self._source.name}, or rows differ. Something else writes to one of them: stop "
                    "that, empty the target and move again"
                )
            found[table] = ours
        return found

    def _summaries(self, table: str, shape: Shape) -> tuple[TableSummary, TableSummary]:
        source = summary(table, shape, moved_rows(table, shape, self._source.rows(table, shape)))
        return source, summary(table, shape, self._target.rows(table, shape))

    def _lost(self) -> int:
        shape = self._shapes["deliveries"]
        state = shape.columns.index("state")
        return sum(row[state] == "running" for row in self._target.rows("deliveries", shape))


def move(open_source: Callable[[], MoveEnd], open_target: Callable[[], MoveEnd], told: Told) -> Moved:
    """Moves all that one database holds into another, and lets both go.

    Raises StoreRefused (one of them is in use; the target is not empty) or StoreUnavailable.
    """
    with ExitStack() as stack:
        source = stack.enter_context(closing(open_source()))
        target = stack.enter_context(closing(open_target()))
        try:
            return Move(source, target, told).run()
        except (source.faults, target.faults) as wrong:
            said = (str(wrong).strip() or type(wrong).__name__).splitlines()[0]
            raise StoreUnavailable(f"the move stopped, run it again to go on: {said}") from None


def shared_shapes(source: MoveEnd, target: MoveEnd) -> dict[str, Shape]:
    """The tables of the source, with the columns that both have; what is known by name comes first."""
    theirs = target.shapes()
    shapes = {table: shape for table, shape in source.shapes().items() if table in theirs}
    return {
        table: Shape(tuple(one for one in shapes[table].columns if one in theirs[table].columns), shapes[table].key)
        for table in sorted(shapes, key=lambda table: (table not in NAMED, table))
    }


def moved_rows(table: str, shape: Shape, rows: Iterable[Row]) -> Iterator[Row]:
    """Rows as they go over: PostgreSQL's texts hold no U+0000, and what a process had claimed is nobody's now."""
    claimed = table == "deliveries"
    for row in rows:
        values = dict(zip(shape.columns, row, strict=True))
        if claimed and values["state"] == "running":
            values["owner"] = None
        yield tuple(value.replace("\0", NO_NUL) if type(value) is str else value for value in values.values())


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in lists that a transaction takes, whatever their size."""
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += sum(len(value) for value in row if isinstance(value, bytes | str))
        if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def key_of(shape: Shape, row: Row) -> Row:
    """The key of a row."""
    return tuple(row[shape.columns.index(name)] for name in shape.key)


def summary(table: str, shape: Shape, rows: Iterable[Row]) -> TableSummary:
    """What a table is compared by; reads all of it."""
    count, digest = 0, 0
    first: int | None = None
    last: int | None = None
    costs: dict[str, list[Decimal]] = {}
    place = shape.columns.index(shape.key[0])
    priced = [shape.columns.index(name) for name in ("unit", "amount")] if table == "costs" else None
    for row in rows:
        count += 1
        number = row[place]
        if isinstance(number, int):
            first, last = min(number, first or number), max(number, last or number)
        digest += int.from_bytes(blake2b(msgspec.msgpack.encode(row), digest_size=DIGEST_BYTES).digest(), "big")
        if priced is not None:
            add_cost(costs, *(row[one] for one in priced))
    sums = {unit: exact_sum(amounts) for unit, amounts in costs.items()}
    return TableSummary(count, first, last, digest % (1 << 8 * DIGEST_BYTES), sums)


def add_cost(costs: dict[str, list[Decimal]], unit: str, amount: str | None) -> None:
    """Adds what a job cost to the sum of its unit."""
    before: Sequence[Decimal] = costs.get(unit, ())
    costs[unit] = [exact_sum((*before, Decimal(amount or "0")))]
