"""Forms with files (`multipart/form-data`), read as a platform reads them."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from typing import NamedTuple


class UploadedFile(NamedTuple):
    """A file of a form."""

    name: str
    body: bytes


class ReadForm(NamedTuple):
    """A form's texts and files, by the names of their fields."""

    fields: dict[str, str]
    files: dict[str, UploadedFile]


def read_form(content_type: str, body: bytes) -> ReadForm:
    """A form's content. Raises ValueError for what is none."""
    message = BytesParser(policy=HTTP).parsebytes(b"content-type: %s\r\n\r\n%s" % (content_type.encode(), body))
    if not message.is_multipart():
        raise ValueError("it is no form")
    form = ReadForm({}, {})
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        payload = part.get_payload(decode=True)
        if not isinstance(name, str) or not isinstance(payload, bytes):
            raise ValueError("a part of the form has no name")
        filename = part.get_filename()
        if filename is None:
            form.fields[name] = payload.decode()
        else:
            form.files[name] = UploadedFile(filename, payload)
    return form
