"""A newcomer's walk: only what README and the first page of the manual say, in a fresh directory."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Final

import httpx

from receiver.lib.pictures import examine
from support.server import executable, free_port, until

README: Final = (Path(__file__).parent.parent.parent / "README.md").read_text("utf-8")
PAGE: Final = files("receiver.manual").joinpath("first-job.md").read_text("utf-8")
REHEARSAL: Final = PAGE.partition("## A rehearsal")[2].partition("\n## ")[0]
#: What README says to type.
ANY_COMMAND: Final = r"(?m)^(?:\./deploy/demo|gridhook \w+)"
#: Seconds for one command; those that stay up are ended by the test.
LIMIT_S: Final = 60


class Newcomer:
    """Somebody in a directory, with the page open. What it says of ports is read as two free ones."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port, self.vendor_port = free_port(), free_port()
        self.env = {name: value for name, value in os.environ.items() if "TOKEN" not in name and "KEY" not in name}

    def as_read(self, text: str) -> str:
        return text.replace("9100", str(self.vendor_port)).replace("8000", str(self.port))

    def commands(self) -> list[list[str]]:
        """What the page says to type that begins with gridhook, in its order."""
        blocks = [
            code for kind, code in re.findall(r"^```(\w*)\n(.*?)^```", REHEARSAL, re.DOTALL | re.MULTILINE) if not kind
        ]
        lines = [line.partition(" #")[0] for block in blocks for line in block.splitlines()]
        return [shlex.split(self.as_read(line))[1:] for line in lines if line.startswith("gridhook ")]

    def write_configuration(self) -> None:
        (text,) = re.findall(r"^```toml\n(.*?)^```", REHEARSAL, re.DOTALL | re.MULTILINE)
        (self.folder / "gridhook.toml").write_text(
            self.as_read(text).replace("[server]", f"[server]\nport = {self.port}")
        )

    def write_key(self) -> None:
        """Writes a word behind `JOURNEYAPI_KEY=`."""
        file = self.folder / ".env"
        assert "`JOURNEYAPI_KEY=`" in REHEARSAL
        file.write_text(file.read_text().replace("JOURNEYAPI_KEY=\n", "JOURNEYAPI_KEY=word\n"))

    def secret(self, name: str) -> str:
        found = re.search(rf"^{name}=(.+)$", (self.folder / ".env").read_text(), re.MULTILINE)
        assert found is not None
        return found[1]

    def does(self, command: list[str]) -> str:
        """Types a command and waits for its end; what it says."""
        done = subprocess.run(
            [*executable(), *command], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=LIMIT_S,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def starts(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Types a command and does not wait; what it says goes to a file."""
        with (self.folder / "terminal.log").open("ab") as log:
            return subprocess.Popen([*executable(), *command], cwd=self.folder, env=self.env, stdout=log, stderr=log)

    @contextmanager
    def terminal(self, command: list[str]) -> Iterator[None]:
        """Types a command that stays up, in a terminal of its own."""
        with self.starts(command) as process:
            try:
                yield
            finally:
                process.terminate()

    def kept(self) -> list[Path]:
        """The pictures in the folder that the configuration names."""
        return sorted((self.folder / "pictures").rglob("*.png"))


async def picked_on_the_page(base: str, token: str) -> str:
    """Signs in, opens the first grid of the wall and presses tile 2, as a browser without script; the job's id."""
    async with httpx.AsyncClient(base_url=base, headers={"sec-fetch-site": "same-origin"}, trust_env=False) as browser:
        assert (await browser.post("/login", data={"token": token})).status_code == 303
        tile = re.search(r'href="(/jobs/(job_\w+)\?tile=2)"', (await browser.get("/")).text)
        assert tile is not None
        page = (await browser.get(tile[1])).text
        form = page.partition("<form data-picks")[2].partition("</form>")[0]
        action = re.search(r'action="([^"]+)"', form)
        assert action is not None
        fields = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))
        answer = await browser.post(action[1], data={**fields, "index": "2"})
        assert answer.status_code == 303, answer.text
        return tile[2]


async def test_from_nothing_to_a_picture_on_disk(tmp_path: Path) -> None:
    newcomer = Newcomer(tmp_path)
    init, simulate, serve, check, submit = newcomer.commands()
    assert [one[0] for one in (init, simulate, serve, check, submit)] == [
        "init",
        "simulate",
        "serve",
        "check",
        "submit",
    ]
    assert {"./deploy/demo", "gridhook init", "gridhook check", "gridhook serve"} <= set(
        re.findall(ANY_COMMAND, README)
    )
    demo = newcomer.starts(["demo", "--once"])
    newcomer.does(init)
    newcomer.write_key()
    newcomer.write_configuration()
    base = f"http://127.0.0.1:{newcomer.port}"
    with ExitStack() as terminals:
        terminals.enter_context(newcomer.terminal([*simulate, "--pace", "0.2"]))
        terminals.enter_context(newcomer.terminal(serve))
        newcomer.does(check)
        await until(lambda: answers(f"{base}/readyz"), "gridhook is up")
        await until(lambda: answers(f"http://127.0.0.1:{newcomer.vendor_port}/"), "the pretend vendor is up")
        assert "completed" in newcomer.does(submit)
        await until(lambda: len(newcomer.kept()) >= 4, "the grid is kept")
        grid = len(newcomer.kept())
        await picked_on_the_page(base, newcomer.secret("GRIDHOOK_ADMIN_TOKEN"))
        await until(lambda: len(newcomer.kept()) > grid, "the picked tile is kept")
    for picture in newcomer.kept():
        assert examine(picture.read_bytes()).type == "image/png"
    assert demo.wait(LIMIT_S) == 0


def answers(url: str) -> bool:
    """Whether there is somebody who answers."""
    try:
        return httpx.get(url, trust_env=False, timeout=LIMIT_S).status_code < 500
    except httpx.TransportError:
        return False
