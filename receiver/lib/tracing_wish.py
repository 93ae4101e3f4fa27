"""Whether traces are wanted, by the standard variables of OpenTelemetry; loads nothing of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
EXPORTERS: Final = ("otlp", "console")


def wants_traces(env: Mapping[str, str]) -> bool:
    """True if an exporter or an endpoint is named, and it is not switched off."""
    if env.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = env.get("OTEL_TRACES_EXPORTER", "").strip()
    return exporter in EXPORTERS if exporter else any(env.get(name) for name in ENDPOINTS)
