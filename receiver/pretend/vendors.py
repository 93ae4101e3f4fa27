"""The pretend vendors by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from receiver.lib.times import Clock, system_clock
from receiver.pretend.apiframe.face import PretendApiframe
from receiver.pretend.apimart.face import PretendApiMart
from receiver.pretend.described.bodies import shipped_samples
from receiver.pretend.described.face import PretendDescribed
from receiver.pretend.journeyapi.face import PretendJourneyApi
from receiver.pretend.midjourney_proxy.face import PretendMidjourneyProxy
from receiver.pretend.options import VendorOptions
from receiver.pretend.vendor import Face, PretendVendor
from receiver.pretend.vtrix.face import PretendVtrix
from receiver.providers.generic import Generic

#: The vendors that gridhook speaks by itself.
FACES: Final[dict[str, Callable[[], Face]]] = {
    "journeyapi": PretendJourneyApi,
    "apiframe": PretendApiframe,
    "apimart": PretendApiMart,
    "vtrix": PretendVtrix,
    "midjourney-proxy": PretendMidjourneyProxy,
}


def build(name: str, options: VendorOptions | None = None, clock: Clock = system_clock) -> PretendVendor:
    """The pretend vendor of this name; `clock` returns Unix ms. Raises ValueError for an unknown name or fault."""
    face = FACES.get(name)
    if face is None:
        raise ValueError(f"no pretend vendor is called {name!r}; there are {', '.join(FACES)}")
    return PretendVendor(face(), options or VendorOptions(), clock)


def build_described(
    name: str,
    provider: Generic,
    options: VendorOptions | None = None,
    clock: Clock = system_clock,
    *,
    webhook_url: str | None = None,
) -> PretendVendor:
    """A vendor that a preset describes: `name` is that of a shipped one, whose documented samples it then uses.

    `webhook_url` is where webhooks go that no order names. `clock` returns Unix ms. Raises ValueError for an unknown
    fault.
    """
    face = PretendDescribed(name, provider, shipped_samples(name), clock, webhook_url)
    return PretendVendor(face, options or VendorOptions(), clock)
