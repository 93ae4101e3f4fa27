"""What plug-ins write their options with: keys whose values are judged one by one.

A key's type may be annotated with `msgspec.Meta(extra={"check": f})`. When the configuration is read, `f` is called
with the value; it raises OptionError (its `key` is "", or a key below this one), or an ExceptionGroup of them, for one
that cannot be used. So every mistake is told at once, whatever else is wrong.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, get_args
from urllib.parse import urlsplit

import msgspec

from receiver.errors import OptionError
from receiver.lib.addresses.url_paths import leads_elsewhere
from receiver.lib.signatures import Secret
from receiver.model.template_mistakes import check_json_text, check_text

WHOLE_URL: Final = 'write it whole, such as "https://hooks.example.com/path"'


class NoOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """No keys of its own."""


def check_url(url: Secret | str) -> None:
    """Raises OptionError for what is no http:// or https:// address with a host; never shows it."""
    text = url if isinstance(url, str) else url.reveal()
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise OptionError("", "holds characters that no address has", WHOLE_URL)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise OptionError("", "is not an address: its host or port cannot be read", WHOLE_URL) from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise OptionError("", "is not an http:// or https:// address with a host", WHOLE_URL)
    if leads_elsewhere(parts.path):
        raise OptionError("", "has . or .. in its path", "write the path that is meant, without them")


def check_base_url(url: str) -> None:
    """Raises OptionError for what is no address, and for one that no path can be put behind."""
    check_url(url)
    if "?" in url or "#" in url:
        raise OptionError("", "has a query (?) or a fragment (#) in it", "write it without: a path is put behind it")


#: An address to call; hidden, because addresses often hold keys.
SecretUrl = Annotated[Secret, msgspec.Meta(extra={"check": check_url})]
#: An address that paths are put behind, and that holds no key.
PlainUrl = Annotated[str, msgspec.Meta(extra={"check": check_base_url})]
#: Text that may be a secret (`"env:NAME"` or `"file:/path"`), and is none where it stands in the file as it is.
MaybeSecret = Annotated[Secret, msgspec.Meta(extra={"may_be_shown": True})]
#: The same where nothing can do without it: that it cannot be read is a mistake for every command.
NeededSecret = Annotated[Secret, msgspec.Meta(extra={"may_be_shown": True, "always_needed": True})]
#: A path; a relative one begins at the folder of the configuration file.
LocalPath = Annotated[str, msgspec.Meta(extra={"beside_the_file": True}, min_length=1)]
#: A text about an event of a job, for `receiver.model.templates.EventTemplate`: "{{ job.prompt }}: {{ job.status }}".
TextSource = Annotated[str, msgspec.Meta(extra={"check": check_text})]
#: The same for JSON: whatever a job says, what it makes must be JSON.
JsonSource = Annotated[str, msgspec.Meta(extra={"check": check_json_text})]


def preset_folder(options: type[msgspec.Struct]) -> Path | None:
    """Where the presets stand that come with a plug-in; None if its options take none.

    They do if they have a key `preset` annotated with `msgspec.Meta(extra={"presets_in": folder})`: it names a TOML
    file there, or one of the operator's own, with values for the plug-in's other keys.
    """
    for field in msgspec.structs.fields(options):
        for meta in get_args(field.type)[1:]:
            if field.name == "preset" and isinstance(meta, msgspec.Meta) and meta.extra:
                return Path(meta.extra["presets_in"])
    return None
