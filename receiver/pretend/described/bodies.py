"""What a described vendor says: its documented samples, with the values of a pretend job in their places."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from receiver.model.actions import GRIDS
from receiver.pretend.book import PretendJob
from receiver.pretend.described.writing import written
from receiver.providers.generic.options import PRESETS, Options
from receiver.providers.generic.reports import read_paths, tiles_at
from receiver.providers.generic.words import USUAL_ACTIONS
from receiver.providers.shared.paths import segments
from receiver.providers.shared.statuses import USUAL, Status

#: Bodies by what they are: `accepted` (the answer to an order), `progress`, `completed`, `failed` (webhooks; of one
#: action `completed-pick`), `asked`, `asked-running`, `asked-failed` (answers to a status query, where they differ).
Samples = Mapping[str, Any]
STATUS: Final[dict[str, Status]] = {"accepted": "queued", "progress": "running", "completed": "completed"}


def shipped_samples(name: str) -> Samples:
    """The documented samples of a shipped preset; none for one of the user's own."""
    file = PRESETS / "samples" / f"{name}.json"
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}


class BodyWriter:
    """Writes bodies in the words of one description."""

    def __init__(self, options: Options, samples: Samples) -> None:
        self._options = options
        self._samples = samples

    @property
    def tells_progress(self) -> bool:
        """Whether a webhook about progress is documented; of a vendor without samples it is taken to be."""
        return "progress" in self._samples or not self._samples

    @property
    def pictures(self) -> int:
        """How many pictures its sample of a result has; 4 where there is none, or where it is a grid."""
        if "completed" not in self._samples:
            return 4
        job = self._first_job(self._samples["completed"])
        if self._known(job, "grid") is not None:
            return 4
        paths = read_paths("images", self._options.paths.images, [])
        return max((len(tiles_at(path.found(job))) for path in paths), default=1) or 1

    def accepted(self, job: PretendJob) -> Any:
        """The answer to an order."""
        keys = self._options.orders[job.order.kind]
        value = self._samples.get("accepted", {})
        paths = keys.id or self._options.paths.id
        return written(value, self._best(value, paths), job.id)

    def told(self, job: PretendJob, kind: str) -> Any:
        """A webhook about a job: `progress`, `completed` or `failed`."""
        return self._filled(kind, self._sample([f"{kind}-{job.order.kind}", kind]), job)

    def answered(self, job: PretendJob) -> Any:
        """The answer to a status query."""
        kind = "completed" if job.done else "failed" if job.ended else "progress"
        asked = {"completed": "asked", "failed": "asked-failed", "progress": "asked-running"}[kind]
        names = [f"{kind}-{job.order.kind}", asked, kind, *(["accepted"] if kind == "progress" else [])]
        return self._filled(kind, self._sample(names), job)

    def refused(self, message: str, code: str) -> Any:
        """An error in the places where the description looks for one."""
        if self._options.each and "failed" in self._samples:
            return self._with_error(self._samples["failed"], message, code)
        return self._with_error({}, message, code)

    # --- one job in a body

    def _sample(self, names: Sequence[str]) -> Any:
        """The first of these that there is."""
        return next((self._samples[name] for name in names if name in self._samples), None)

    def _filled(self, kind: str, sample: Any, job: PretendJob) -> Any:
        value = self._first_job(sample)
        value = self._put(value, "id", job.id)
        value = self._with_status(value, STATUS.get(kind, "failed"))
        value = self._put(value, "progress", job.progress, only_known=sample is not None)
        value = self._put(value, "prompt", job.order.prompt, only_known=sample is not None)
        value = self._with_action(value, job, only_known=sample is not None)
        if kind == "completed":
            value = self._with_pictures(value, job)
        if kind == "failed":
            value = self._with_error(value, job.error or "", None)
        return self._as_post(sample, value)

    def _first_job(self, sample: Any) -> Any:
        """What a body tells of its first job."""
        for path in read_paths("each", self._options.each, []):
            for job in path.found(sample):
                return job
        return {} if self._options.each or sample is None else sample

    def _as_post(self, sample: Any, job: Any) -> Any:
        """The body with this instead of its first job."""
        each = self._options.each
        if not each:
            return job
        paths = [each] if isinstance(each, str) else list(each)
        return written(sample or {}, self._best(sample, paths), [job])

    def _with_status(self, value: Any, status: Status) -> Any:
        paths = read_paths("status", self._options.paths.status, [])
        words = {word.lower() for word in (*getattr(self._options.words, status), *USUAL[status])}
        said = [str(there).lower() for path in paths for there in path.found(value)[:1]]
        if said and said[0] in words:
            return value
        word = next(iter((*getattr(self._options.words, status), *USUAL[status])))
        return self._put(value, "status", word)

    def _with_pictures(self, value: Any, job: PretendJob) -> Any:
        urls = job.pictures()
        is_grid = job.order.kind in GRIDS and len(urls) > 1
        grid = self._known(value, "grid") if is_grid or not self._options.paths.images else None
        if grid is not None:
            value = written(value, grid, job.picture("grid"))
        images = self._known(value, "images")
        single = self._known(value, "grid") if images is None else None
        if single is not None:
            return value if is_grid else written(value, single, urls[0])
        images = images or self._best(value, self._options.paths.images)
        return written(value, images, urls if "[*]" in images else urls[0])

    def _with_error(self, value: Any, message: str, code: str | None) -> Any:
        known = [path for path in self._texts("error") if self._leads(value, path)]
        if message or not known:
            value = self._put(value, "error", message or "failed")
        return value if code is None else self._put(value, "error_code", code)

    def _with_action(self, value: Any, job: PretendJob, *, only_known: bool) -> Any:
        kind = job.order.kind
        words = [word for word, action in self._options.actions.items() if action == kind]
        words += [word for word, action in USUAL_ACTIONS.items() if action == kind]
        if self._options.action or not words:
            return value
        return self._put(value, "action", words[0], only_known=only_known)

    # --- where things stand

    def _put(self, value: Any, name: str, new: Any, *, only_known: bool = False) -> Any:
        known = self._known(value, name)
        if known is not None:
            return written(value, known, new)
        texts = self._texts(name)
        return value if only_known or not texts else written(value, self._best(value, texts), new)

    def _known(self, value: Any, name: str) -> str | None:
        """The first path that leads somewhere in it, and can be written."""
        return next((path for path in self._texts(name) if self._leads(value, path)), None)

    def _texts(self, name: str) -> list[str]:
        given = getattr(self._options.paths, name)
        return [path for path in ([given] if isinstance(given, str) else given) if "|match" not in path]

    @staticmethod
    def _leads(value: Any, path: str) -> bool:
        return bool(read_paths("", path, [])[0].found(value))

    def _best(self, value: Any, paths: str | Sequence[str]) -> str:
        """The path that leads the furthest in it; the first one of those."""
        texts = [paths] if isinstance(paths, str) else list(paths)
        return max(texts, key=lambda path: self._depth(value, path))

    @staticmethod
    def _depth(value: Any, path: str) -> int:
        depth = 0
        for step in segments(path.partition("|")[0]):
            if isinstance(step, str) and isinstance(value, dict) and step in value:
                value = value[step]
            elif not isinstance(step, str) and isinstance(value, list) and (step or 0) < len(value):
                value = value[step or 0]
            else:
                return depth
            depth += 1
        return depth
