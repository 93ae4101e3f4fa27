"""The section of a configuration for one vendor: what proves its webhooks decides what is written."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from receiver.config.files.presets import make_from_preset
from receiver.providers.generic import Generic
from receiver.views.vendor_section import VendorSection, vendor_section

URL = "https://mine.example"


def section(name: str) -> VendorSection:
    return vendor_section(name, make_from_preset(Generic, name, Path("/")), URL)


@pytest.mark.parametrize(
    ("name", "filled", "empty"),
    [
        ("replicate", [], ["REPLICATE_API_KEY", "REPLICATE_WEBHOOK_SECRET"]),
        ("fal", [], ["FAL_API_KEY"]),
        ("piapi", ["PIAPI_WEBHOOK_SECRET"], ["PIAPI_API_KEY"]),
        ("bfl", ["BFL_WEBHOOK_SECRET"], ["BFL_API_KEY"]),
        ("leonardo", ["LEONARDO_WEBHOOK_SECRET"], ["LEONARDO_API_KEY"]),
        ("imagineapi", ["IMAGINEAPI_TOKEN"], ["IMAGINEAPI_API_KEY"]),
        ("kie-midjourney", [], ["KIE_MIDJOURNEY_API_KEY", "KIE_MIDJOURNEY_WEBHOOK_SECRET"]),
    ],
)
def test_what_is_ours_is_made_and_what_is_the_vendors_is_left_empty(
    name: str, filled: list[str], empty: list[str]
) -> None:
    made = section(name)
    assert sorted(key for key, (_, value) in made.variables.items() if value) == filled
    assert sorted(key for key, (_, value) in made.variables.items() if not value) == empty
    assert all(f'"env:{key}"' in made.text for key in made.variables)


def test_what_has_to_be_registered_is_said_with_the_address() -> None:
    assert any(f"register {URL}/in/leonardo " in step for step in section("leonardo").steps)
    assert any(f"register {URL}/in/imagineapi/IMAGINEAPI_TOKEN " in step for step in section("imagineapi").steps)
    assert not any("register" in step for step in section("replicate").steps)


def test_midjourney_proxys_place_and_flavour_are_left_to_say() -> None:
    made = vendor_section("midjourney-proxy", None, URL)
    assert {"flavour", "base_url", "api_key", "token"} <= set(tomllib.loads(made.text)["sources"]["midjourney-proxy"])
    assert "base_url" in made.steps[0]


def test_a_native_vendor_is_its_own_provider() -> None:
    made = vendor_section("apimart", None, URL)
    assert 'provider = "apimart"' in made.text
    assert "preset" not in made.text
    assert set(made.variables) == {"APIMART_API_KEY", "APIMART_TOKEN"}
