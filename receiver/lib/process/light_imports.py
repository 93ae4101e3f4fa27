"""Keeps libraries from loading, at import, what they would only use for themselves."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """While it lasts, `import` of these packages fails as if they were not installed; loaded ones stay as they are.

    For libraries that import a package if they can, and do without it if they cannot.
    """
    hidden = [name for name in packages if name not in sys.modules]
    # None in place of a module makes its import fail (documented: the import system, "The module cache").
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # the type knows nothing of that None
    try:
        yield
    finally:
        for name in hidden:
            sys.modules.pop(name, None)
