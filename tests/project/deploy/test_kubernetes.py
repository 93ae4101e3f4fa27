"""The manifests are well-formed by the schemas of Kubernetes, fit together, and fit the program."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any, Final

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml  # type: ignore[import-untyped]

from receiver.app import read_config
from support.every_metric import everything
from support.prometheus_rules import families, label_names
from support.promql import asked

FOLDER: Final = Path(__file__).parent.parent.parent.parent / "deploy/kubernetes"
OVERLAYS: Final = ("sqlite", "postgres")
#: The version whose schemas everything is held to.
VERSION: Final = "1.32"
#: What is open to the world (the manual's chapter on going public).
OPEN: Final = {"/in/", "/slack/actions", "/discord/interactions", "/pictures/"}
KUBECTL: Final = shutil.which("kubectl")


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def kustomization(folder: str) -> Any:
    (found,) = documents(FOLDER / folder / "kustomization.yaml")
    return found


def merged(base: Any, patch: Any) -> Any:
    """A strategic merge, as far as ours go: tables by key, lists of what has names by name, null takes away."""
    if isinstance(base, dict) and isinstance(patch, dict):
        both = {key: merged(base.get(key), value) for key, value in patch.items()}
        return {key: value for key, value in (base | both).items() if value is not None}
    if isinstance(base, list) and all(isinstance(one, dict) and "name" in one for one in [*base, *patch]):
        by_name = {one["name"]: one for one in base}
        return list((by_name | {one["name"]: merged(by_name.get(one["name"]), one) for one in patch}).values())
    return patch


def built(overlay: str) -> list[Any]:
    """What kustomize makes of an overlay, but for its names' prefixes and the images."""
    base, over = kustomization("base"), kustomization(overlay)
    found = [one for name in base["resources"] for one in documents(FOLDER / "base" / name)]
    found += [one for name in over["resources"] if name != "../base" for one in documents(FOLDER / overlay / name)]
    for patch in over["patches"]:
        (change,) = documents(FOLDER / overlay / patch["path"])
        matches = [one for one in found if (one["kind"], one["metadata"]["name"]) == name_of(change)]
        assert len(matches) == 1, patch
        found[found.index(matches[0])] = merged(matches[0], change)
    return found


def name_of(manifest: Any) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def only(overlay: str, kind: str, name: str = "gridhook") -> Any:
    (found,) = [one for one in built(overlay) if name_of(one) == (kind, name)]
    return found


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kubernetes_knows_every_key(overlay: str) -> None:
    for one in [*built(overlay), *documents(FOLDER / "secret.example.yaml")]:
        kubernetes_validate.validate(one, VERSION, strict=True)


def test_a_wrong_key_in_a_manifest_would_be_seen() -> None:
    wrong = only("postgres", "HorizontalPodAutoscaler")
    wrong["spec"]["maxReplikas"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSION, strict=True)


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on this machine")
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_kustomize_itself_makes_the_same_of_it(overlay: str) -> None:
    ended = subprocess.run([str(KUBECTL), "kustomize", str(FOLDER / overlay)], capture_output=True, check=True)
    made = list(yaml.safe_load_all(ended.stdout))
    for one in made:
        kubernetes_validate.validate(one, VERSION, strict=True)
    plain = {name_of(one): one for one in made if one["kind"] != "ConfigMap"}
    assert plain.keys() == {name_of(one) for one in built(overlay)}
    (pods, ours) = (plain["Deployment", "gridhook"]["spec"], only(overlay, "Deployment")["spec"])
    assert pods["strategy"] == ours["strategy"]
    assert [volume.keys() for volume in pods["template"]["spec"]["volumes"]].count({"name", "configMap"}) == 1
    named = {one["metadata"]["name"] for one in made if one["kind"] == "ConfigMap"}
    used = {one["configMap"]["name"] for one in pods["template"]["spec"]["volumes"] if "configMap" in one}
    assert named == used


def test_every_file_is_taken_in_by_a_kustomization_and_no_secret_is() -> None:
    taken = {FOLDER / "secret.example.yaml", FOLDER / "postgres/adapter.yaml"}
    for folder in ("base", *OVERLAYS):
        known = kustomization(folder)
        assert "secretGenerator" not in known
        names = [*known["resources"], *(patch["path"] for patch in known.get("patches", ()))]
        names += [name for one in known.get("configMapGenerator", ()) for name in one["files"]]
        taken |= {(FOLDER / folder / name).resolve() for name in names} | {FOLDER / folder / "kustomization.yaml"}
    files = {path for path in FOLDER.rglob("*") if path.is_file()}
    assert {path.resolve() for path in files} == {path.resolve() for path in taken} - {(FOLDER / "base").resolve()}
    assert all(one["kind"] != "Secret" for overlay in OVERLAYS for one in built(overlay))


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_pods_configuration_is_accepted_with_the_secret_as_its_environment(overlay: str, tmp_path: Path) -> None:
    (secret,) = documents(FOLDER / "secret.example.yaml")
    shutil.copy(FOLDER / overlay / "gridhook.toml", tmp_path)
    config = read_config(tmp_path / "gridhook.toml", secret["stringData"])
    assert list(config.warnings) == []
    (pod,) = only(overlay, "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {one["name"]: one["containerPort"] for one in pod["ports"]}
    assert (ports["hooks"], ports["admin"]) == (config.server.port, config.server.admin_port)
    assert {probe: pod[probe]["httpGet"]["path"] for probe in pod if probe.endswith("Probe")} == {
        "startupProbe": "/healthz",
        "readinessProbe": "/readyz",
        "livenessProbe": "/healthz",
    }


def test_a_pod_has_time_for_its_stop_and_sqlite_has_one_pod() -> None:
    spec = only("sqlite", "Deployment")["spec"]
    assert spec["template"]["spec"]["terminationGracePeriodSeconds"] > 8
    assert (spec["replicas"], spec["strategy"]) == (1, {"type": "Recreate"})
    (data,) = [one for one in spec["template"]["spec"]["volumes"] if one["name"] == "data"]
    assert data == {"name": "data", "persistentVolumeClaim": {"claimName": "gridhook"}}
    rolled = only("postgres", "Deployment")["spec"]["template"]["spec"]
    (pod,) = rolled["containers"]
    assert rolled["terminationGracePeriodSeconds"] > 8 + pod["lifecycle"]["preStop"]["sleep"]["seconds"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_pod_has_no_rights_and_a_root_that_it_cannot_write(overlay: str) -> None:
    spec = only(overlay, "Deployment")["spec"]["template"]["spec"]
    (pod,) = spec["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not spec["automountServiceAccountToken"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_services_budget_and_autoscaler_mean_these_pods(overlay: str) -> None:
    pods = only(overlay, "Deployment")
    labels = pods["spec"]["template"]["metadata"]["labels"].items()
    assert pods["spec"]["selector"]["matchLabels"].items() <= labels
    for kind, name in (("Service", "gridhook"), ("Service", "gridhook-admin")):
        service = only(overlay, kind, name)["spec"]
        assert service["selector"].items() <= labels
        (pod,) = pods["spec"]["template"]["spec"]["containers"]
        assert {one["targetPort"] for one in service["ports"]} <= {one["name"] for one in pod["ports"]}
    assert only(overlay, "PodDisruptionBudget")["spec"]["selector"]["matchLabels"].items() <= labels
    scalers = [one["spec"] for one in built(overlay) if one["kind"] == "HorizontalPodAutoscaler"]
    assert len(scalers) == (overlay == "postgres"), "a file is one pod's"
    for scaler in scalers:
        assert scaler["scaleTargetRef"]["name"] == pods["metadata"]["name"]
        assert scaler["minReplicas"] > 1
        assert "replicas" not in pods["spec"], "a rollout would set it back"


def test_the_autoscaler_goes_by_a_metric_that_there_is() -> None:
    (rules,) = documents(FOLDER / "postgres/adapter.yaml")
    (rule,) = rules["rules"]["external"]
    metrics = only("postgres", "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert {one["external"]["metric"]["name"] for one in metrics if "external" in one} == {rule["name"]["as"]}
    (series,) = asked(rule["seriesQuery"])
    query = rule["metricsQuery"].replace("<<.Series>>", series.metric).replace("<<.LabelMatchers>>", 'namespace="x"')
    known = label_names(families(everything()).values())
    for one in (series, *asked(query)):
        assert one.metric in known
        # Those of Kubernetes come with the scrape.
        assert one.labels <= known[one.metric] | {"namespace", "pod"}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_only_what_is_open_to_the_world_is_published(overlay: str) -> None:
    ingress = only(overlay, "Ingress")["spec"]
    (rule,) = ingress["rules"]
    assert {path["path"] for path in rule["http"]["paths"]} == OPEN
    services = {path["backend"]["service"]["name"] for path in rule["http"]["paths"]}
    assert services == {"gridhook"}
    host = re.search(r'public_url = "https://([^"]+)"', (FOLDER / overlay / "gridhook.toml").read_text("utf-8"))
    assert host is not None
    assert {rule["host"], *ingress["tls"][0]["hosts"]} == {host[1]}
