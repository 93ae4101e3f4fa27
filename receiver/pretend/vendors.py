"""The pretend vendors by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from receiver.lib.times import Clock, system_clock
from receiver.pretend.apiframe.face import PretendApiframe
from receiver.pretend.apimart.face import PretendApiMart
from receiver.pretend.journeyapi.face import PretendJourneyApi
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import Face, PretendVendor
from receiver.pretend.vtrix.face import PretendVtrix

FACES: Final[dict[str, Callable[[], Face]]] = {
    "journeyapi": PretendJourneyApi,
    "apiframe": PretendApiframe,
    "apimart": PretendApiMart,
    "vtrix": PretendVtrix,
}


def build(name: str, options: VendorOptions | None = None, clock: Clock = system_clock) -> PretendVendor:
    """The pretend vendor of this name; `clock` returns Unix ms. Raises ValueError for an unknown name or fault."""
    face = FACES.get(name)
    if face is None:
        raise ValueError(f"no pretend vendor is called {name!r}; there are {', '.join(FACES)}")
    return PretendVendor(face(), options or VendorOptions(), clock)
