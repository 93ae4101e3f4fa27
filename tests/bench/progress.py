"""How the parts of a measurement report their progress."""

from __future__ import annotations

from collections.abc import Callable

#: Takes one line about the progress.
Say = Callable[[str], None]
