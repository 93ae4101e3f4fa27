"""What Slack's refusals mean, and what a person can do about them."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.model.deliveries import Dead, Outcome

WITHOUT_PICTURE: Final = "sent without its picture: Slack refused it"
SENT_AS_TEXT: Final = "sent as text: Slack refused the blocks"

#: Web API errors (documented) that pass by themselves.
PASSING: Final = frozenset(
    {
        "external_channel_migrating",
        "fatal_error",
        "internal_error",
        "message_limit_exceeded",
        "org_login_required",
        "rate_limited",
        "ratelimited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
        "update_failed",
    }
)
#: Slack's word for a text that is too long.
TOO_LONG: Final = "msg_too_long"
#: Words in a refusal that is about the blocks, not about the message. One picture that Slack cannot fetch is enough:
#: "downloading image failed" beside invalid_blocks (seen in slackapi/python-slack-sdk issue 1782).
ABOUT_BLOCKS: Final = (
    b"invalid_blocks",
    b"invalid_attachments",
    b"downloading image failed",
    b"image_url",
    # Of all blocks together, at about 13,000 characters (seen in slackapi/bolt-js issue 2509, not documented).
    b"msg_blocks_too_long",
    TOO_LONG.encode(),
    b"invalid_arguments",
)

_REINSTALL: Final = "reinstall the app in the workspace and configure its new bot token"
_NEW_HOOK: Final = "make a new incoming webhook in the app's settings and configure its address"
#: Slack's word for a permanent refusal to what helps. The words are documented, the advice is ours.
REMEDIES: Final = {
    "account_inactive": _REINSTALL,
    "action_prohibited": "an administrator of the workspace has restricted posting; ask them, or take another channel",
    "channel_is_archived": "unarchive the channel, or configure another one",
    "channel_not_found": "check the channel's id, and invite the bot if the channel is private",
    "invalid_auth": _REINSTALL,
    "invalid_token": _NEW_HOOK,
    "is_archived": "unarchive the channel, or configure another one",
    "missing_scope": "give the app the scope chat:write (and files:write, files:read for uploads) and reinstall it",
    "no_active_hooks": _NEW_HOOK,
    "no_service": _NEW_HOOK,
    "no_service_id": _NEW_HOOK,
    "not_authed": _REINSTALL,
    "not_in_channel": "invite the bot to the channel: /invite @its-name",
    "posting_to_general_channel_denied": "only some may post to #general; configure another channel",
    "restricted_action": "an administrator of the workspace has restricted posting; ask them",
    "team_disabled": "the workspace is disabled; configure another one",
    "token_expired": _REINSTALL,
    "token_revoked": _REINSTALL,
}


#: What helps where Slack does not let us listen, by its word.
_LISTENING: Final = {
    "invalid_auth": "make a new app-level token (connections:write) and configure it",
    "not_authed": "make a new app-level token (connections:write) and configure it",
    "not_allowed_token_type": "app_token must be the app-level token (xapp-...)",
    "forbidden_team": "switch Socket Mode on in the app's settings",
}


def listening_remedy(word: str) -> str:
    """What helps where Slack does not let us listen, behind a colon; empty where that is not known."""
    remedy = _LISTENING.get(word) or REMEDIES.get(word)
    return f": {remedy}" if remedy else ""


def blocks_refused(body: bytes) -> bool:
    """Whether an answer that is not ok says that the blocks (or the picture in them) are the reason."""
    return any(word in body for word in ABOUT_BLOCKS)


def explained(outcome: Outcome, word: str) -> Outcome:
    """The outcome; if it is dead and the reason has a remedy, with that in its note."""
    remedy = REMEDIES.get(word)
    if remedy is None or not isinstance(outcome, Dead):
        return outcome
    return msgspec.structs.replace(outcome, note=f"{outcome.note}: {remedy}")
