"""What others do to the files of a database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from receiver.store.sqlite.files.descriptors import hold, let_go
from receiver.store.sqlite.files.locks import DISPATCHING, bearer, take


@contextmanager
def dispatching(database: Path) -> Iterator[None]:
    """As if a process dispatched from a database that is there."""
    file = hold(database, os.O_RDWR)
    carrier = bearer(file, os.path.realpath(database))
    try:
        assert take(carrier, DISPATCHING)
        yield
    finally:
        for one in {file, carrier}:
            let_go(one)
