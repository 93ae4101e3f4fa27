"""The pretend platforms by name: what they print is a sink that works with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.http.transport import HttpTransport
from receiver.app import read_config
from receiver.model.deliveries import Delivered
from receiver.pretend.platforms.by_name import PLATFORMS
from support.delivering import Bound, outgoing
from support.platforms import NOW, Hosts


@pytest.mark.parametrize("name", PLATFORMS)
@pytest.mark.parametrize("presses_to", [None, "http://127.0.0.1:8080/"])
async def test_what_is_printed_is_a_sink_that_reaches_it(tmp_path: Path, name: str, presses_to: str | None) -> None:
    platform = PLATFORMS[name](presses_to)
    file = tmp_path / "gridhook.toml"
    file.write_text(f'public_url = "https://hooks.example.com"\n{platform.configuration("http://platform.test")}\n')
    file.chmod(0o600)
    sink = read_config(file, {}).sinks["team"]
    assert sink.handler_name == name
    room = Bound(sink.handler, HttpTransport(Hosts(platform=platform.app)), NOW)
    assert isinstance(await room.deliver(outgoing(images=())), Delivered)
