"""The vendors' dialects, one module each; adding one is a module, a line here and a test."""

from __future__ import annotations

from typing import Final

#: Name in the configuration to where the class is; loaded only when a source names it.
PROVIDERS: Final[dict[str, str]] = {
    "journeyapi": "receiver.providers.journeyapi:JourneyAPI",
    "apiframe": "receiver.providers.apiframe:Apiframe",
    "apimart": "receiver.providers.apimart:APIMart",
    "vtrix": "receiver.providers.vtrix:Vtrix",
    "midjourney-proxy": "receiver.providers.midjourney_proxy:MidjourneyProxy",
    "generic": "receiver.providers.generic:Generic",
}
