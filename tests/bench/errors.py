"""What a measurement raises."""

from __future__ import annotations

from receiver.errors import GridhookError


class BenchError(GridhookError):
    """A measurement that could not be made; says why."""
