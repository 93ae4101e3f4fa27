"""What `deploy/` ships is well-formed by the schemas of those who read it, and fits the program."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import compose_spec
import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from receiver.app import read_config

DEPLOY: Final = Path(__file__).parent.parent.parent / "deploy"
MANIFESTS: Final = ("gridhook.yaml", "ingress.yaml", "namespace.yaml", "secret.example.yaml")
#: What is open to the world (the manual's chapter on going public).
OPEN: Final = {"/in/", "/slack/actions", "/discord/interactions", "/pictures/"}


def manifests(name: str) -> list[Any]:
    return list(yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text("utf-8")))


def only(name: str, kind: str) -> Any:
    (found,) = [one for one in manifests(name) if one["kind"] == kind]
    return found


@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_knows_every_key(name: str) -> None:
    for one in manifests(name):
        kubernetes_validate.validate(one, "1.32", strict=True)


def test_a_wrong_key_in_a_manifest_would_be_seen() -> None:
    wrong = only("gridhook.yaml", "Deployment")
    wrong["spec"]["replikas"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.32", strict=True)


def test_kustomize_takes_in_what_is_there_and_no_secret() -> None:
    taken = yaml.safe_load((DEPLOY / "kubernetes/kustomization.yaml").read_text("utf-8"))
    assert set(taken["resources"]) == set(MANIFESTS) - {"secret.example.yaml"}
    for files in taken["configMapGenerator"]:
        assert all((DEPLOY / "kubernetes" / name).is_file() for name in files["files"])


def test_the_pods_configuration_is_accepted_with_the_secret_as_its_environment(tmp_path: Path) -> None:
    secret = only("secret.example.yaml", "Secret")["stringData"]
    shutil.copy(DEPLOY / "kubernetes/gridhook.toml", tmp_path)
    config = read_config(tmp_path / "gridhook.toml", secret)
    assert config.warnings == ()
    (pod,) = only("gridhook.yaml", "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in pod["ports"]}
    assert (ports["hooks"], ports["admin"]) == (config.server.port, config.server.admin_port)


def test_a_pod_has_time_for_its_stop_and_sqlite_has_one_pod() -> None:
    spec = only("gridhook.yaml", "Deployment")["spec"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 8
    assert (spec["replicas"], spec["strategy"]["type"]) == (1, "Recreate")


def test_only_what_is_open_to_the_world_is_published() -> None:
    (rule,) = only("ingress.yaml", "Ingress")["spec"]["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == OPEN
    caddy = (DEPLOY / "docker/Caddyfile").read_text("utf-8")
    (paths,) = re.findall(r"@open path (.*)", caddy)
    assert {path.removesuffix("*") for path in paths.split()} == OPEN | {"/healthz", "/readyz"}


def test_compose_knows_every_key_and_mounts_folders() -> None:
    text = (DEPLOY / "docker/compose.yaml").read_text("utf-8")
    services = compose_spec.PyCompose.from_yaml(text).services
    assert set(services or {}) == {"gridhook", "caddy"}
    with pytest.raises(Exception, match="prots"):
        compose_spec.PyCompose.from_yaml(text.replace("ports: [", "prots: [", 1)).validate()


def test_the_image_is_built_of_files_that_are_there_and_runs_without_rights() -> None:
    text = (DEPLOY / "docker/Dockerfile").read_text("utf-8")
    assert re.search(r"^USER gridhook$", text, re.MULTILINE)
    kept = re.findall(r"^!(.+)$", (DEPLOY / "docker/Dockerfile.dockerignore").read_text("utf-8"), re.MULTILINE)
    assert all((DEPLOY.parent / path).exists() for path in kept)
    assert {"pyproject.toml", "receiver", "handlers", "deploy/constraints.txt"} <= set(kept)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine")
def test_systemd_takes_the_unit_and_finds_it_hardened(tmp_path: Path) -> None:
    for name in ("gridhook.service", "gridhook.socket"):
        text = (DEPLOY / "systemd" / name).read_text("utf-8")
        (tmp_path / name).write_text(text.replace("/opt/gridhook/bin/gridhook", "/bin/true"))
    units = [str(tmp_path / name) for name in ("gridhook.service", "gridhook.socket")]
    analyze = str(shutil.which("systemd-analyze"))
    ended = subprocess.run([analyze, "verify", *units], capture_output=True, text=True, check=False)
    assert (ended.returncode, [line for line in ended.stderr.splitlines() if str(tmp_path) in line]) == (0, [])
    security = [analyze, "security", "--offline=yes", "--threshold=20", units[0]]
    ended = subprocess.run(security, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout[-500:]
