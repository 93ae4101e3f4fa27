"""What every page works with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from starlette.responses import RedirectResponse, Response

from receiver.contracts import HookedStore, Transaction
from receiver.contracts.setup import Setup
from receiver.lib.times import Clock
from receiver.views.overview import Overview, overview
from receiver.web.pages.authentication.visits import Visitor
from receiver.web.pages.forms import Form
from receiver.web.pages.rendering import Renderer

T = TypeVar("T")
#: See other: the browser goes there with GET.
SEE_OTHER: Final = 303


class Desk(NamedTuple):
    """Store, configuration and templates, as one page or action after the other needs them."""

    store: HookedStore
    setup: Setup
    clock: Clock
    renderer: Renderer

    async def look(self, work: Callable[[Transaction], T]) -> tuple[T, Overview]:
        """What a page is about, and what stands above it, of one moment."""
        now = self.clock()
        return await self.store.read(lambda tx: (work(tx), overview(tx, self.setup, now)))

    async def show(self, template: str, visitor: Visitor, above: Overview, **told: Any) -> Response:
        """A page."""
        return await self.renderer.show(template, visitor, overview=above, **told)

    async def act(self, work: Callable[[Transaction, int], T]) -> T:
        """Has something done, committed before it is answered; `work` gets the present as Unix ms."""
        now = self.clock()
        return await self.store.write(lambda tx: work(tx, now))


def back_to(form: Form, otherwise: str) -> Response:
    """Sends the browser where the form came from (a page of ours), else to another one."""
    target = form.one("back")
    is_page = target.startswith("/") and not target.startswith("//") and target.isascii() and "\\" not in target
    return RedirectResponse(target if is_page and target.isprintable() else otherwise, SEE_OTHER)
