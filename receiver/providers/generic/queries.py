"""Asks a vendor about one job, by `[sources.NAME.query]`."""

from __future__ import annotations

from typing import Final

import msgspec

from receiver.contracts import Answer, Call, Source
from receiver.errors import InvalidParams, OptionError, Unmapped, Unsupported
from receiver.lib.nearest import nearest
from receiver.model.jobs import KeptJob, Report
from receiver.providers.generic.call_options import QueryKeys
from receiver.providers.generic.calls import CallTemplate
from receiver.providers.generic.options import Options, Places
from receiver.providers.generic.reports import ReportReader
from receiver.providers.shared.reading import answer_json

KNOWN: Final = frozenset({"id", "key"})
#: The vendor does not know the job, or not any more.
UNKNOWN_JOB: Final = (404, 410)


class StatusQuery:
    """The free question about a job, and what its answer means."""

    def __init__(self, keys: QueryKeys, options: Options, found: list[OptionError]) -> None:
        """What cannot be meant goes to `found`."""
        self._call = CallTemplate("query", keys.method, keys.url, keys.headers, keys.body, KNOWN, found)
        if "id" not in self._call.names:
            remedy = 'put {id} into it: "https://api.example.com/jobs/{id}"'
            found.append(OptionError("query.url", "asks for no job: {id} is neither here nor in query.body", remedy))
        own = {name: path for name, path in keys.paths.items() if name in Places.__struct_fields__}
        found += [
            OptionError(f"query.paths.{name}", "unknown key", nearest(name, Places.__struct_fields__))
            for name in keys.paths
            if name not in own
        ]
        mistakes: list[OptionError] = []
        self._reader = ReportReader(options, msgspec.structs.replace(options.paths, **own), mistakes)
        # Those of the other paths are told where they stand.
        found += [
            OptionError(f"query.{one.key}", one.wrong, one.remedy)
            for one in mistakes
            if one.key.startswith("paths.") and one.key.removeprefix("paths.") in own
        ]

    def call(self, kept: KeptJob, source: Source) -> Call:
        """The call for one job. Raises Unsupported for one whose id has no place in it."""
        values = {"id": kept.job.provider_job_id or ""}
        if source.api_key is not None:
            values["key"] = source.api_key.reveal()
        try:
            return self._call.call(values, source.base_url)
        except InvalidParams as wrong:
            raise Unsupported(f"{kept.job.id} cannot be asked for: {wrong}") from None

    def read(self, answer: Answer, kept: KeptJob) -> list[Report]:
        """The reports in the answer; none where the vendor does not know the job. Raises Unmapped."""
        if answer.status in UNKNOWN_JOB:
            return []
        if not 200 <= answer.status < 300:
            raise Unmapped(f"HTTP {answer.status} to a status query")
        return self._reader.answer_about(answer_json(answer), kept.job.provider_job_id or "")
