"""Takes webhooks in, within a transaction of the test's."""

from __future__ import annotations

from receiver.contracts import Transaction
from receiver.contracts.setup import Setup
from receiver.flows import intake
from support.records import a_source
from support.world import AUTO_HD, TELL, a_request

SETUP = Setup(sources={"journey": a_source()}, rules=(AUTO_HD, TELL))


def take(tx: Transaction, body: object, setup: Setup = SETUP, token: str | None = None) -> intake.IntakeResult:
    """Takes one webhook in."""
    request = a_request(body, token=token)
    verified = intake.verify(request, setup.sources["journey"], b"k" * 32)
    return intake.take(tx, setup, intake.read(request, verified, setup.sources["journey"]))
