"""Takes in what image providers say, keeps it, and sees it through."""

from __future__ import annotations

from importlib import import_module

from receiver.lib.process.light_imports import without

# structlog loads rich for tracebacks with the values of variables, which we never show: 60 ms and 10 MB.
with without("rich"):
    import_module("structlog")
