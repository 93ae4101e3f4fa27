"""The demo's channel: a pretend Slack in the browser, and what the story sees and presses there."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import Final

import httpx

from receiver.model.jobs import Job
from receiver.pretend.platforms.channel.messages import PEOPLE, ChannelButton, ChannelMessage
from receiver.pretend.platforms.slack.server import PretendSlack
from receiver.pretend.platforms.slack.shown import shown

#: Who presses where nobody is there to press.
ADA: Final = PEOPLE[0]
#: Seconds for one press.
TIMEOUT: Final = 10.0


class DemoChannel:
    """The channel at its address, as somebody sees it who looks at its page."""

    def __init__(self, url: str, slack: PretendSlack) -> None:
        self.url = url
        self._slack = slack

    async def asked(self, label: str) -> ChannelMessage:
        """Waits for a message with this button, and returns it."""
        return await self._first(lambda message: _button(message, label) is not None)

    async def press(self, message: ChannelMessage, label: str) -> str:
        """Presses a button as the page in a browser does; what the page says of it, empty = it was taken.

        The pretend Slack signs the press and posts it to gridhook, as Slack does.
        """
        button = _button(message, label)
        form = {"person": ADA.id, "message": message.id, "button": button.id if button else label}
        async with httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, follow_redirects=True) as browser:
            try:
                answer = await browser.post(f"{self.url}/press", data=form)
            except httpx.HTTPError as wrong:
                return f"no answer ({type(wrong).__name__})"
        if not answer.is_success:
            return f"HTTP {answer.status_code} {answer.text[:100]}"
        told = re.search(r'<p class="told"[^>]*>(.*?)</p>', answer.text, re.DOTALL)
        return html.unescape(told[1]) if told else ""

    async def told(self, words: str) -> ChannelMessage:
        """Waits for a message that says these words, and returns it."""
        return await self._first(lambda message: any(words in line for line in message.lines))

    async def chosen(self, question: ChannelMessage) -> str:
        """Waits until a question says who chose, and returns that line."""

        def find() -> str | None:
            edited = next((message for message in self._messages() if message.id == question.id), question)
            return next((line for line in edited.lines if "chosen by" in line), None)

        return await self._slack.page.until(find)

    @property
    def mistakes(self) -> list[str]:
        """What Slack would not have taken."""
        return list(self._slack.workspace.mistakes)

    async def _first(self, fits: Callable[[ChannelMessage], bool]) -> ChannelMessage:
        return await self._slack.page.until(lambda: next(filter(fits, self._messages()), None))

    def _messages(self) -> Iterator[ChannelMessage]:
        return (shown(message) for message in self._slack.workspace.messages.values() if message.only_for is None)


def label_of_tile(index: int) -> str:
    """What the button of a tile says."""
    return f"U{index}"


def _button(message: ChannelMessage, label: str) -> ChannelButton | None:
    buttons = [button for row in message.rows for button in row]
    return next((button for button in buttons if button.label.partition(" ")[0] == label), None)


def archived_words(job: Job) -> str:
    """What the channel says once a job's pictures are in the archive."""
    return f"upscale {job.params.get('kind')} of {job.source} is in the archive"
