"""The image and its compositions: by the schema of Compose, locked file by file, without rights."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from importlib.metadata import requires
from pathlib import Path
from typing import Any, Final

import compose_spec
import pytest
import yaml  # type: ignore[import-untyped]
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from receiver.app import read_config
from support.dockerfile import context, stages

ROOT: Final = Path(__file__).parent.parent.parent.parent
FOLDER: Final = ROOT / "deploy/docker"
IMAGE: Final = stages((FOLDER / "Dockerfile").read_text("utf-8"))
COMPOSITIONS: Final = {"compose.yaml": {"gridhook"}, "compose.postgres.yaml": {"gridhook-1", "gridhook-2"}}
#: Where the image runs, as markers of requirements say it.
IMAGE_IS: Final = {
    "python_version": "3.13",
    "python_full_version": "3.13.0",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
}
#: What is open to the world (the manual's chapter on going public).
OPEN: Final = {"/in/", "/slack/actions", "/discord/interactions", "/pictures/", "/healthz", "/readyz"}


def locked(name: str) -> dict[str, str]:
    """Names to versions of a file of requirements; each has hashes."""
    found: dict[str, str] = {}
    for entry in (FOLDER / name).read_text("utf-8").replace("\\\n", " ").splitlines():
        match = re.fullmatch(r"(\S+)==(\S+)((?:\s+--hash=sha256:[0-9a-f]{64})+)", entry)
        assert match is not None, f"{name}: {entry[:80]}"
        found[canonicalize_name(match[1])] = match[2]
    return found


def constraints() -> dict[str, str]:
    lines = (ROOT / "deploy/constraints.txt").read_text("utf-8").split()
    return {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}


def needed(requirements: Iterable[str]) -> set[str]:
    """The names of all that these requirements lead to in the image, by what is installed here."""
    wanted = [Requirement(one) for one in requirements]
    found: dict[str, set[str]] = {}
    while wanted:
        one = wanted.pop()
        name, extras = canonicalize_name(one.name), {"", *one.extras}
        if not extras - found.get(name, set()):
            continue
        found.setdefault(name, set()).update(extras)
        wanted += [more for more in map(Requirement, requires(one.name) or ()) if is_wanted(more, found[name])]
    return set(found)


def is_wanted(one: Requirement, extras: Iterable[str]) -> bool:
    """Whether the image needs it, of a package with these extras."""
    return one.marker is None or any(one.marker.evaluate({**IMAGE_IS, "extra": extra}) for extra in extras)


def project() -> Mapping[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_every_file_of_the_image_is_locked_at_the_versions_that_the_tests_ran_with() -> None:
    """`deploy/docker/lock` writes them anew."""
    facts = project()["project"]
    extras = [lines for name, lines in facts["optional-dependencies"].items() if name not in ("bench", "test")]
    image, build = locked("requirements.txt"), locked("requirements-build.txt")
    assert image.keys() == needed([*facts["dependencies"], *(line for lines in extras for line in lines)])
    assert image.items() | build.items() <= constraints().items()
    for line in project()["build-system"]["requires"]:
        assert canonicalize_name(Requirement(line).name) in build


def test_nothing_is_installed_without_its_hash_and_no_registry_is_named() -> None:
    installs = [
        command
        for stage in IMAGE
        for one in stage.instructions
        if one.word == "RUN"
        for command in one.text.split("&&")
        if re.search(r"(pip|\$pip) install", command)
    ]
    assert len(installs) == 3
    for command in installs:
        assert "--no-deps" in command
        assert "--require-hashes -r /src/deploy/docker/requirements" in command or "--no-index /wheel/" in command
    for path in FOLDER.iterdir():
        assert not re.search(r"https?://(?!127\.0\.0\.1)", path.read_text("utf-8")), path.name


def test_the_image_is_built_of_files_that_are_there_and_runs_without_rights() -> None:
    build, final = IMAGE
    kept = context(ROOT, (FOLDER / "Dockerfile.dockerignore").read_text("utf-8"))
    assert all(path.exists() for path in kept)
    seen = {str(path.relative_to(ROOT)) for path in kept}
    used = {
        one.removeprefix("/src/") for one in re.findall(r"/src/\S+", " ".join(one.text for one in build.instructions))
    }
    wheel = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert {
        *used,
        *wheel,
        "pyproject.toml",
        project()["project"]["readme"],
        *project()["project"]["license-files"],
    } == seen
    assert build.image == final.image
    user, _, group = final.last("USER").text.partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert final.last("HEALTHCHECK").command()[0] == "python"
    assert final.last("VOLUME").text == final.last("WORKDIR").text == "/data"


def composition(name: str) -> Any:
    return yaml.safe_load((FOLDER / name).read_text("utf-8"))


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_compose_knows_every_key(name: str) -> None:
    compose_spec.PyCompose.from_yaml(yaml.safe_dump(composition(name))).validate()
    wrong = composition(name)
    wrong["services"]["caddy"]["prots"] = []
    with pytest.raises(Exception, match="prots"):
        compose_spec.PyCompose.from_yaml(yaml.safe_dump(wrong)).validate()


@pytest.mark.parametrize(("name", "ours"), COMPOSITIONS.items())
def test_gridhook_has_no_rights_and_a_root_that_it_cannot_write(name: str, ours: set[str]) -> None:
    services = composition(name)["services"]
    assert {one for one, service in services.items() if service["image"] == "gridhook:latest"} == ours
    for one in ours:
        service = services[one]
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "./config:/config:ro" in service["volumes"]
        # Only this machine reaches pages, API and metrics; only Caddy the rest.
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])
        dockerfile = (FOLDER / service["build"]["context"] / service["build"]["dockerfile"]).resolve()
        assert dockerfile == FOLDER / "Dockerfile"
    for service in services.values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in composition(name)["volumes"] or source == "./config" or (FOLDER / source).is_file(), volume


@pytest.mark.parametrize(("name", "ours"), COMPOSITIONS.items())
def test_caddy_stands_in_front_of_every_replica_and_publishes_what_is_open(name: str, ours: set[str]) -> None:
    text = (FOLDER / "Caddyfile").read_text("utf-8")
    (paths,) = re.findall(r"@open path (.*)", text)
    assert {path.removesuffix("*") for path in paths.split()} == OPEN
    caddy = composition(name)["services"]["caddy"]
    (default,) = re.findall(r"\{\$UPSTREAMS:(\S+)\}", text)
    upstreams = caddy["environment"].get("UPSTREAMS", default).split()
    assert set(upstreams) == {f"{one}:8000" for one in ours}
    assert caddy["depends_on"] == {one: {"condition": "service_healthy"} for one in ours}
    # Variables that the file asks for are there.
    assert set(re.findall(r"\{\$(\w+)[:}]", text)) <= {"UPSTREAMS", *caddy["environment"]}


@pytest.mark.parametrize("name", COMPOSITIONS)
def test_the_configuration_that_a_composition_asks_for_is_accepted(name: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text("utf-8")
    (told,) = re.findall(r"config/gridhook\.toml +database = (\".*?\"), \[server\] (.*)", text)
    proxies = re.search(r"subnet: (\S+)\}", text)
    assert proxies is not None
    assert f'trusted_proxies = ["{proxies[1]}"]' in told[1]
    server = re.sub(r", (?=\w+ =)", "\n", told[1])
    (tmp_path / "gridhook.toml").write_text(
        f'public_url = "https://hooks.example.com"\ndatabase = {told[0]}\n[server]\nadmin_token = "{32 * "a"}"\n'
        f"{server}\n"
    )
    config = read_config(tmp_path / "gridhook.toml", {"DATABASE_URL": "postgresql://gridhook@postgres/gridhook"})
    assert config.server.admin_port == 8001
