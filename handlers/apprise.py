"""Apprise: services that have no handler of their own, each by its address. Needs the extra `apprise`."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import msgspec

from handlers.text import Summary, summary, template_of
from handlers.wording import one_line
from receiver.contracts import DeliveryContext, Handler, SinkProbe, TextSource
from receiver.errors import OptionError, raise_option_errors
from receiver.lib.signatures import Secret
from receiver.model.deliveries import Again, Delivered, Outcome, OutgoingEvent

if TYPE_CHECKING:
    from apprise import NotifyBase

MOST_SERVICES: Final = 20
#: Bytes of a message; what a service takes less of is cut by Apprise.
MAX_TEXT: Final = 4_000
#: How many deliveries are remembered that reached some of the services.
MOST_PARTLY: Final = 1_000
#: The share of a try's time that a service may take: the rest is for saying which one was late.
SHARE: Final = 0.9


class Apprise(Handler):
    """Tells each event to every service; a further try goes only to those that were not reached."""

    class Options(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        """Keys of an `apprise` sink."""

        #: Addresses as Apprise documents them, such as "gotify://host/token"; each is a secret.
        urls: Annotated[tuple[Secret, ...], msgspec.Meta(min_length=1, max_length=MOST_SERVICES)]
        #: The message about a job.
        text: TextSource | None = None

    default_concurrency: ClassVar[int] = 1

    def __init__(self, options: Options) -> None:
        """Raises OptionErrors for addresses that Apprise does not know, and OptionError if it is not installed."""
        self._services = _services_of(options.urls)
        self._template = template_of(options.text)
        #: By delivery, which services have it. After a restart all are told again: at least once.
        self._reached: OrderedDict[str, set[int]] = OrderedDict()
        # Threads of its own: a service that hangs holds up nobody else.
        self._threads = ThreadPoolExecutor(len(self._services), thread_name_prefix="apprise-sink")

    async def deliver(self, outgoing: OutgoingEvent, context: DeliveryContext) -> Outcome:
        """Tells the services that were not reached yet. Apprise does not say why one failed: all may pass."""
        reached = self._reached.pop(outgoing.delivery_id, set())
        missing = [at for at in range(len(self._services)) if at not in reached]
        told, seconds = summary(outgoing.event, self._template), context.timeout * SHARE
        took = await asyncio.gather(*(self._tell(self._services[at], told, seconds) for at in missing))
        reached |= {at for at, is_told in zip(missing, took, strict=True) if is_told}
        missed = sorted({str(self._services[at].service_name) for at in missing if at not in reached})
        if not missed:
            return Delivered()
        self._remember(outgoing.delivery_id, reached)
        return Again(note=one_line(f"not reached: {', '.join(missed)}"))

    async def probe(self, context: DeliveryContext) -> SinkProbe:
        """Which services its addresses mean: Apprise can ask them nothing without sending."""
        names = ", ".join(sorted({str(one.service_name) for one in self._services}))
        return SinkProbe(
            works=True, said=one_line(f"addresses that can be read: {names}; only `gridhook test` tries them")
        )

    async def _tell(self, service: NotifyBase, told: Summary, seconds: float) -> bool:
        """Tells one service within so many seconds; whether it took it."""
        loop = asyncio.get_running_loop()
        try:
            return await asyncio.wait_for(loop.run_in_executor(self._threads, _notify, service, told, seconds), seconds)
        except TimeoutError:
            return False

    def _remember(self, delivery: str, reached: set[int]) -> None:
        self._reached[delivery] = reached
        while len(self._reached) > MOST_PARTLY:
            self._reached.popitem(last=False)


def _notify(service: NotifyBase, told: Summary, seconds: float) -> bool:
    """Tells one service, in a thread: Apprise calls with `requests`, and waits meanwhile."""
    import apprise  # noqa: PLC0415  # an extra

    one = apprise.Apprise(service)
    body = told.text(MAX_TEXT) or told.title
    return bool(one.notify(body=body, title=told.title, body_format=apprise.NotifyFormat.TEXT, timeout=seconds))


def _services_of(urls: tuple[Secret, ...]) -> list[NotifyBase]:
    """The services at these addresses. Raises OptionErrors, which show none of them."""
    try:
        import apprise  # noqa: PLC0415  # an extra: only who uses it has it
    except ImportError:
        remedy = "install gridhook with its extra `apprise`: gridhook[apprise]"
        raise OptionError("handler", "needs apprise, which is not installed", remedy) from None
    # They log addresses and what is sent.
    for name in ("apprise", "urllib3", "requests_oauthlib"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    found = [apprise.Apprise.instantiate(url.reveal()) for url in urls]
    remedy = 'write it as Apprise documents it, such as "gotify://host/token"'
    raise_option_errors(
        [
            OptionError(f"urls[{at}]", "is no address of a service that Apprise knows", remedy)
            for at, service in enumerate(found)
            if service is None
        ]
    )
    services = [service for service in found if service is not None]
    for url, service in zip(urls, services, strict=True):
        if "overflow=" not in url.reveal():
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
    return services
