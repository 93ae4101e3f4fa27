"""File descriptors: the limit is raised, and some are kept back."""

from __future__ import annotations

import resource

import pytest

from receiver.web.http.descriptors import KEPT_BACK, connections_within, raise_descriptor_limit


@pytest.mark.parametrize(
    ("limits", "asked", "found"),
    [
        ((256, 100_000), (4096 + KEPT_BACK, 100_000), 4096 + KEPT_BACK),
        ((256, 1024), (1024, 1024), 1024),
        ((256, resource.RLIM_INFINITY), (4096 + KEPT_BACK, resource.RLIM_INFINITY), 4096 + KEPT_BACK),
        ((100_000, 100_000), None, 100_000),
        ((resource.RLIM_INFINITY, resource.RLIM_INFINITY), None, 4096 + KEPT_BACK),
    ],
)
def test_the_soft_limit_is_raised_as_far_as_is_needed(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], asked: tuple[int, int] | None, found: int
) -> None:
    held = [limits]
    monkeypatch.setattr(resource, "getrlimit", lambda _: held[-1])
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: held.append(wanted))
    assert raise_descriptor_limit(4096) == found
    assert held[1:] == ([asked] if asked else [])


def test_a_limit_that_cannot_be_raised_is_lived_with(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_kind: int, _wanted: tuple[int, int]) -> None:
        raise ValueError("not allowed")

    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 100_000))
    monkeypatch.setattr(resource, "setrlimit", refuse)
    assert raise_descriptor_limit(4096) == 256


def test_descriptors_are_kept_back_for_the_database() -> None:
    assert connections_within(100_000, 4096) == 4096
    assert connections_within(4096, 4096) == 4096 - KEPT_BACK
    assert connections_within(100, 4096) == 75
    assert connections_within(1, 4096) == 1
