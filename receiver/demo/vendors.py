"""The pretend vendors by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from receiver.demo.apiframe import Apiframe
from receiver.demo.apimart import ApiMart
from receiver.demo.journeyapi import JourneyApi
from receiver.demo.options import VendorOptions
from receiver.demo.vendor import Face, PretendVendor
from receiver.demo.vtrix import Vtrix
from receiver.times import Clock, system_clock

FACES: Final[dict[str, Callable[[], Face]]] = {
    "journeyapi": JourneyApi,
    "apiframe": Apiframe,
    "apimart": ApiMart,
    "vtrix": Vtrix,
}


def build(name: str, options: VendorOptions | None = None, clock: Clock = system_clock) -> PretendVendor:
    """The pretend vendor of this name; `clock` gives Unix ms. Raises ValueError for a name or a fault there is not."""
    face = FACES.get(name)
    if face is None:
        raise ValueError(f"no pretend vendor is called {name!r}; there are {', '.join(FACES)}")
    return PretendVendor(face(), options or VendorOptions(), clock)
