"""Methods of the pretend Web API: each takes its arguments and returns Slack's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from receiver.pretend.platforms.slack.blocks import is_too_long, mistakes_in
from receiver.pretend.platforms.slack.images import FetchPicture, image_mistakes, shown_type
from receiver.pretend.platforms.slack.workspace import BOT, SlackFile, SlackMessage, Workspace

Arguments = Mapping[str, Any]
SlackReply = dict[str, Any]

#: The arguments that each method knows, those that it needs first.
ARGUMENTS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {
    name: (frozenset(needed.split()), frozenset(others.split()))
    for name, needed, others in (
        ("auth.test", "", ""),
        (
            "chat.postMessage",
            "channel",
            "text blocks thread_ts reply_broadcast metadata unfurl_links unfurl_media mrkdwn",
        ),
        ("chat.update", "channel ts", "text blocks metadata reply_broadcast file_ids"),
        ("chat.postEphemeral", "channel user", "text blocks thread_ts"),
        ("files.getUploadURLExternal", "filename length", "alt_txt snippet_type"),
        ("files.completeUploadExternal", "files", "channel_id thread_ts initial_comment channels blocks"),
        ("files.info", "file", ""),
    )
}
#: Methods that take no JSON.
FORM_ONLY: Final = frozenset({"files.info"})
MOST_UPDATED: Final = 4000
CUT_AT: Final = 40_000
MOST_ALT_TEXT: Final = 1000


class MethodRefused(Exception):
    """Slack's word for why it does not do something, with the messages beside it."""

    def __init__(self, word: str, *messages: str) -> None:
        super().__init__(word)
        self.word = word
        self.messages = messages


class Methods:
    """The methods that bots use, on one workspace."""

    def __init__(self, workspace: Workspace, fetch: FetchPicture) -> None:
        self._workspace = workspace
        self._fetch = fetch
        self._known: dict[str, Callable[[Arguments, str], Awaitable[SlackReply]]] = {
            "auth.test": self._auth_test,
            "chat.postMessage": self._post,
            "chat.update": self._update,
            "chat.postEphemeral": self._post_ephemeral,
            "files.getUploadURLExternal": self._begin_upload,
            "files.completeUploadExternal": self._complete_upload,
            "files.info": self._file_info,
        }

    async def call(self, method: str, arguments: Arguments, root: str) -> SlackReply:
        """What a method answers; `root` is our own address. Raises MethodRefused."""
        if method not in self._known:
            raise MethodRefused("unknown_method")
        needed, others = ARGUMENTS[method]
        if missing := needed - arguments.keys():
            raise MethodRefused("invalid_arguments", f"[ERROR] missing required field: {', '.join(sorted(missing))}")
        if unknown := arguments.keys() - needed - others:
            raise MethodRefused("invalid_arg_name", f"[ERROR] unknown field: {', '.join(sorted(unknown))}")
        return await self._known[method](arguments, root)

    async def _auth_test(self, _arguments: Arguments, root: str) -> SlackReply:
        return {"ok": True, "url": root, "team": "Pretend", "user": "gridhook", "user_id": BOT, "bot_id": "B0GRIDHOOK"}

    async def _post(self, arguments: Arguments, _root: str) -> SlackReply:
        text, blocks = await self.content(arguments)
        thread = arguments.get("thread_ts")
        if thread is not None:
            first = self._workspace.messages.get(str(thread))
            if first is None or first.thread_ts is not None:
                self._workspace.mistakes.append(f"thread_ts {thread} is no message that a thread can begin with")
        message = self._keep(text, blocks, thread_ts=None if thread is None else str(thread))
        return {"ok": True, "channel": self._workspace.options.channel, "ts": message.ts, "message": {"text": text}}

    async def _update(self, arguments: Arguments, _root: str) -> SlackReply:
        message = self._workspace.messages.get(str(arguments["ts"]))
        if message is None or message.only_for is not None:
            raise MethodRefused("message_not_found")
        if message.is_hooked:
            raise MethodRefused("cant_update_message")
        if len(str(arguments.get("text", ""))) > MOST_UPDATED:
            raise MethodRefused("msg_too_long")
        text, blocks = await self.content(arguments)
        message.text, message.blocks, message.is_edited = text, blocks, True
        return {"ok": True, "channel": self._workspace.options.channel, "ts": message.ts, "text": text}

    async def _post_ephemeral(self, arguments: Arguments, _root: str) -> SlackReply:
        text, blocks = await self.content(arguments)
        thread = arguments.get("thread_ts")
        message = self._keep(text, blocks, thread_ts=thread, only_for=str(arguments["user"]))
        return {"ok": True, "message_ts": message.ts}

    async def content(self, arguments: Arguments) -> tuple[str, list[dict[str, Any]]]:
        """Text and blocks of a message, if they can be shown. Raises MethodRefused."""
        if arguments.get("channel", self._workspace.options.channel) != self._workspace.options.channel:
            raise MethodRefused("channel_not_found")
        text, blocks = arguments.get("text", ""), arguments.get("blocks") or []
        if not isinstance(text, str):
            raise MethodRefused("invalid_arguments")
        if not text and not blocks:
            raise MethodRefused("no_text")
        if is_too_long(blocks):
            raise MethodRefused("msg_blocks_too_long")
        wrong = list(mistakes_in(blocks)) or await image_mistakes(self._workspace, blocks, self._fetch)
        if wrong:
            raise MethodRefused("invalid_blocks", *wrong)
        return text[:CUT_AT], list(blocks)

    def _keep(self, text: str, blocks: list[dict[str, Any]], **more: Any) -> SlackMessage:
        workspace = self._workspace
        return workspace.add(
            SlackMessage(ts=workspace.next_ts(), text=text, blocks=blocks, at=workspace.clock(), **more)
        )

    # files

    async def _begin_upload(self, arguments: Arguments, root: str) -> SlackReply:
        length = str(arguments["length"])
        if not length.isdigit() or int(length) == 0 or not arguments["filename"]:
            raise MethodRefused("invalid_arguments", "[ERROR] length and filename must not be empty")
        if len(str(arguments.get("alt_txt", ""))) > MOST_ALT_TEXT:
            raise MethodRefused("alt_txt_too_large")
        workspace = self._workspace
        file = SlackFile(
            id=workspace.next_file_id(),
            name=str(arguments["filename"]),
            length=int(length),
            polls_left=workspace.options.polls,
        )
        workspace.add_file(file)
        return {"ok": True, "upload_url": f"{root}/upload/v1/{file.id}", "file_id": file.id}

    async def _complete_upload(self, arguments: Arguments, _root: str) -> SlackReply:
        listed = arguments["files"]
        if not isinstance(listed, list) or not all(isinstance(one, dict) and "id" in one for one in listed):
            raise MethodRefused("invalid_arguments", "[ERROR] files must be a list of objects with id")
        found = [self._workspace.files.get(str(one["id"])) for one in listed]
        files = [file for file in found if file is not None and file.body is not None and not file.is_complete]
        if len(files) != len(listed):
            raise MethodRefused("file_not_found")
        for file in files:
            file.is_complete = True
        return {"ok": True, "files": [{"id": file.id, "title": file.name} for file in files]}

    async def _file_info(self, arguments: Arguments, _root: str) -> SlackReply:
        file = self._workspace.files.get(str(arguments["file"]))
        if file is None or not file.is_complete or file.body is None:
            raise MethodRefused("file_not_found")
        if file.polls_left > 0:
            file.polls_left -= 1
        elif not file.type:
            file.type = shown_type(file.body) or "application/octet-stream"
        return {"ok": True, "file": {"id": file.id, "name": file.name, "size": file.length, "mimetype": file.type}}
