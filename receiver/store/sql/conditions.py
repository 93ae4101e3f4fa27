"""What each list can be asked for, as SQL: conditions on a row, and the ways to rows that are few or in order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

#: Of a filter: its name, and what a row is compared with.
Asked = tuple[str, tuple[object, ...]]

#: The values that most rows have: no index leads to them, since they are soon found newest first.
COMMON: Final = frozenset({"completed", "mapped", "done", "job.progress", "job.completed"})
#: How far above its request's number an event's may be without being in the index of late ones: 16 ms.
PROMPT: Final = 16 << 22

# --- conditions on a row ---------------------------------------------------------------------------------------------

JOB_FILTERS: Final[dict[str, str]] = {
    "status": "jobs.status = ?",
    "source": "jobs.source = ?",
    "action": "jobs.action = ?",
    "provider_job_id": "jobs.key = id_key(?) AND jobs.provider_job_id = ?",
    "job": "jobs.number = ?",
    "root": "jobs.root = ?",
    "parent": "jobs.parent = ?",
    "tags": "EXISTS (SELECT 1 FROM tags WHERE tags.name = ? AND tags.value = ? AND tags.job = jobs.number)",
    # Last: it is the dearest.
    "prompt": """instr(lower(coalesce(
        (SELECT json_extract(CAST(data AS TEXT), '$.prompt') FROM events WHERE events.number = jobs.event),
        json_extract(CAST(jobs.data AS TEXT), '$.job.prompt'), '')), lower(?)) > 0""",
}
#: What a row that only names its job is asked through that job.
THROUGH_JOB: Final = ("status", "action", "provider_job_id", "root", "parent", "tags")


def _through(job: str) -> dict[str, str]:
    exists = f"EXISTS (SELECT 1 FROM jobs WHERE jobs.number = {job} AND {{}})"
    return {name: exists.format(JOB_FILTERS[name]) for name in THROUGH_JOB}


EVENT_FILTERS: Final[dict[str, str]] = {
    "type": "events.type = ?",
    "source": "events.source = ?",
    "job": "events.job = ?",
    **_through("events.job"),
}
_TOLD_OF: Final = f"""(
    EXISTS (SELECT 1 FROM jobs WHERE jobs.number = requests.ref_job AND {{0}})
    OR EXISTS (
        SELECT 1 FROM events CROSS JOIN jobs ON jobs.number = events.job
        WHERE events.number > requests.number AND events.number <= requests.number + {PROMPT}
            AND events.request = requests.number AND {{0}}
    )
    OR EXISTS (
        SELECT 1 FROM events INDEXED BY events_late CROSS JOIN jobs ON jobs.number = events.job
        WHERE events.request = requests.number AND events.number - events.request > {PROMPT} AND {{0}}
    )
)"""
REQUEST_FILTERS: Final[dict[str, str]] = {
    "status": "requests.state = ?",
    "source": "requests.source = ?",
    **{name: _TOLD_OF.format(JOB_FILTERS[name]) for name in ("job", *THROUGH_JOB) if name != "status"},
}
DELIVERY_FILTERS: Final[dict[str, str]] = {
    "sink": "deliveries.lane = 'sink:' || ?",
    "job": "deliveries.job = ?",
    "type": "EXISTS (SELECT 1 FROM events WHERE events.number = deliveries.event AND events.type = ?)",
    "source": f"EXISTS (SELECT 1 FROM jobs WHERE jobs.number = deliveries.job AND {JOB_FILTERS['source']})",
    **_through("deliveries.job"),
    "status": "deliveries.state = ?",
}

# --- jobs that are few, and the rows that belong to them -------------------------------------------------------------

JOBS_BY: Final[dict[str, str]] = {
    "job": "SELECT ?",
    "provider_job_id": "SELECT number FROM jobs INDEXED BY jobs_key WHERE key = id_key(?) AND provider_job_id = ?",
    "parent": "SELECT number FROM jobs INDEXED BY jobs_parent WHERE parent = ?",
    "root": "SELECT number FROM jobs INDEXED BY jobs_root WHERE root = ? AND parent IS NOT NULL UNION ALL SELECT ?",
    "tags": "SELECT job FROM tags WHERE name = ? AND value = ?",
}
_BY_STATUS: Final = "SELECT number FROM jobs INDEXED BY jobs_status WHERE status = ? AND status <> 'completed'"
_BY_TYPE: Final = """
    SELECT job FROM events INDEXED BY events_type WHERE type = ? AND type NOT IN ('job.progress', 'job.completed')
"""
_EVENTS_OF: Final = "FROM json_each(?) AS few CROSS JOIN events ON events.job = few.value"

# --- rows in order ---------------------------------------------------------------------------------------------------


class IndexPath(NamedTuple):
    """Rows of a table, newest first, as an index (or the table itself) has them."""

    rows: str
    #: What the row's number is called there.
    number: str
    where: str


class ListQuery(NamedTuple):
    """How rows of one list are filtered and found."""

    table: str
    #: Condition on a row by the name of the filter; cheap ones first.
    conditions: Mapping[str, str]
    #: Jobs by the filter that leads to them.
    jobs_by: Mapping[str, str]
    #: The table's rows that belong to these jobs (a JSON array); None = they are the rows.
    rows_of: str | None
    #: Rows by the filter that leads to them, and the value if it must be this one.
    rows_by: Mapping[tuple[str, str], str]
    #: The way that a filter opens, the first one given.
    ways: Mapping[str, IndexPath]


JOBS: Final = ListQuery(
    table="jobs",
    conditions=JOB_FILTERS,
    jobs_by=JOBS_BY,
    rows_of=None,
    rows_by={},
    ways={
        "parent": IndexPath("jobs INDEXED BY jobs_parent", "jobs.number", "jobs.parent = ?"),
        "tags": IndexPath(
            "tags CROSS JOIN jobs ON jobs.number = tags.job", "tags.job", "tags.name = ? AND tags.value = ?"
        ),
        "status": IndexPath(
            "jobs INDEXED BY jobs_status", "jobs.number", "jobs.status = ? AND jobs.status <> 'completed'"
        ),
    },
)  # fmt: skip
EVENTS: Final = ListQuery(
    table="events",
    conditions=EVENT_FILTERS,
    jobs_by={**JOBS_BY, "status": _BY_STATUS},
    rows_of=f"SELECT events.number {_EVENTS_OF}",
    rows_by={},
    ways={
        "type": IndexPath(
            "events INDEXED BY events_type",
            "events.number",
            "events.type = ? AND events.type NOT IN ('job.progress', 'job.completed')",
        )
    },
)
REQUESTS: Final = ListQuery(
    table="requests",
    conditions=REQUEST_FILTERS,
    jobs_by=JOBS_BY,
    rows_of=f"""
        SELECT requests.number FROM json_each(?) AS few
            CROSS JOIN requests INDEXED BY requests_ref ON requests.ref_job = few.value
        UNION ALL SELECT events.request {_EVENTS_OF} WHERE events.request IS NOT NULL
    """,
    rows_by={},
    ways={
        "status": IndexPath(
            "requests INDEXED BY requests_state", "requests.number", "requests.state = ? AND requests.state <> 'mapped'"
        )
    },
)
_IN_STATE: Final = "SELECT number FROM deliveries INDEXED BY {} WHERE state = '{}'"
DELIVERIES: Final = ListQuery(
    table="deliveries",
    conditions=DELIVERY_FILTERS,
    jobs_by={**JOBS_BY, "type": _BY_TYPE},
    rows_of="SELECT deliveries.number FROM json_each(?) AS few CROSS JOIN deliveries ON deliveries.job = few.value",
    rows_by={
        ("status", "pending"): _IN_STATE.format("deliveries_due", "pending"),
        ("status", "running"): _IN_STATE.format("deliveries_running", "running"),
    },
    ways={
        "status": IndexPath(
            "deliveries INDEXED BY deliveries_dead", "deliveries.number", "deliveries.state = ? AND state = 'dead'"
        )
    },
)
