"""`preset`: a file with a source's keys, over which its own win; mistakes in it are told by its file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config.parts import only, problems, written
from receiver.config import Config, load
from receiver.config.files.presets import make_from_preset, shipped_presets
from receiver.errors import ConfigError
from receiver.providers.generic import Generic
from receiver.providers.generic.options import Options

PROVIDERS: dict[str, type[Any] | str] = {"generic": Generic}
SOURCE = '[sources.own]\nprovider = "generic"\nsecrets = "a-secret"\npreset = "./mine.toml"\n'
PRESET = '[paths]\nid = "order.number"\nstatus = "order.state"\n[words]\ncompleted = ["HUNG"]\nfailed = ["TORN"]\n'


def configured(folder: Path, text: str = SOURCE, preset: str | None = PRESET) -> Config:
    if preset is not None:
        (folder / "mine.toml").write_text(preset)
    return load(written(folder, text), {}, PROVIDERS, {})


def mistakes(folder: Path, text: str = SOURCE, preset: str | None = PRESET) -> dict[str, str]:
    with pytest.raises(ConfigError) as caught:
        configured(folder, text, preset)
    return {problem.where: problem.wrong for problem in caught.value.problems}


def test_a_file_beside_the_configuration_describes_the_vendor(tmp_path: Path) -> None:
    provider = configured(tmp_path).sources["own"].provider
    [report] = provider.parse({"order": {"number": 7, "state": "hung"}}, {})
    assert (report.provider_job_id, report.status) == ("7", "completed")


def test_a_key_of_the_source_wins_over_that_of_the_preset_and_over_no_other(tmp_path: Path) -> None:
    provider = configured(
        tmp_path, SOURCE + '[sources.own.paths]\nid = "nr"\n[sources.own.words]\nfailed = ["BURNT"]\n'
    )
    [report] = provider.sources["own"].provider.parse({"nr": 8, "order": {"number": 7, "state": "HUNG"}}, {})
    assert (report.provider_job_id, report.status) == ("8", "completed")
    [report] = provider.sources["own"].provider.parse({"nr": 8, "order": {"state": "BURNT"}}, {})
    assert report.status == "failed"


def test_it_is_read_again_with_the_configuration(tmp_path: Path) -> None:
    configured(tmp_path)
    provider = configured(tmp_path, preset=PRESET.replace("order.number", "order.nr")).sources["own"].provider
    [report] = provider.parse({"order": {"nr": 9, "state": "HUNG"}}, {})
    assert report.provider_job_id == "9"


def test_a_shipped_preset_is_found_by_its_name(tmp_path: Path) -> None:
    config = configured(tmp_path, SOURCE.replace("./mine.toml", "replicate"))
    assert config.sources["own"].provider.seals == "signature"


def test_of_an_unknown_name_the_nearest_known_one_is_told(tmp_path: Path) -> None:
    found = problems_of(tmp_path, SOURCE.replace("./mine.toml", "replicat"))
    assert [one[0] for one in found] == ["sources.own.preset"]
    assert 'did you mean "replicate"?' in found[0][1]
    assert '"./replicat.toml"' in found[0][1]


def problems_of(folder: Path, text: str) -> list[tuple[str, str]]:
    with pytest.raises(ConfigError) as caught:
        configured(folder, text)
    return [(problem.where, problem.remedy) for problem in caught.value.problems]


def test_a_file_that_is_not_there_and_one_that_is_no_toml_are_told_by_their_path(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    assert mistakes(tmp_path, preset=None) == {str(file): "there is no such file"}
    assert list(mistakes(tmp_path, preset="a = \n")) == [f"{file}, line 1, column 5"]
    (tmp_path / "folder.toml").mkdir()
    [where] = mistakes(tmp_path, SOURCE.replace("mine", "folder"))
    assert where == str(tmp_path / "folder.toml")


@pytest.mark.parametrize("name", ["7", '""', '["a"]'])
def test_what_is_no_name_is_told_at_the_source(tmp_path: Path, name: str) -> None:
    assert list(mistakes(tmp_path, SOURCE.replace('"./mine.toml"', name))) == ["sources.own.preset"]


def test_all_mistakes_of_the_preset_are_told_with_its_file_and_those_of_the_source_with_its_place(
    tmp_path: Path,
) -> None:
    preset = (
        'api_key = "x"\ncost_unit = "EUR"\n[paths]\nid = "a..b"\nidd = "x"\n'
        '[words]\ncompleted = ["A"]\nfailed = ["A"]\n[verify]\nscheme = "hmac-sha256"\nsigned = "{field:t}.{body}"\n'
    )
    found = mistakes(tmp_path, SOURCE + '[sources.own.paths]\nstatus = "c..d"\ncolour = "x"\n', preset)
    file = tmp_path / "mine.toml"
    assert set(found) == {
        f"{file}, api_key",
        f"{file}, cost_unit",
        f"{file}, paths.id",
        f"{file}, paths.idd",
        f"{file}, words",
        f"{file}, verify.fields",
        "sources.own.paths.status",
        "sources.own.paths.colour",
    }
    assert "an account's keys stand at its source" in found[f"{file}, api_key"]


def test_the_mistake_of_a_preset_is_told_once_however_many_sources_name_it(tmp_path: Path) -> None:
    found = problems_of_many(tmp_path, SOURCE + SOURCE.replace("own", "two"), '[paths]\nid = "a..b"\n')
    assert found == [f"{tmp_path / 'mine.toml'}, paths.id"]


def problems_of_many(folder: Path, text: str, preset: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        configured(folder, text, preset)
    return [problem.where for problem in caught.value.problems]


def test_a_preset_cannot_name_another_one(tmp_path: Path) -> None:
    assert list(mistakes(tmp_path, preset='preset = "fal"\n')) == [f"{tmp_path / 'mine.toml'}, preset"]


def test_a_native_vendor_takes_no_preset(tmp_path: Path) -> None:
    text = '[sources.journey]\nprovider = "journeyapi"\napi_key = "k"\nsecrets = "s"\npreset = "replicate"\n'
    assert only(tmp_path, text).where == "sources.journey.preset"
    assert problems(tmp_path, text)[0].wrong == "unknown key"


def test_a_preset_alone_makes_a_provider_or_says_all_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(PRESET)
    assert make_from_preset(Generic, "mine.toml", tmp_path).name == "generic"
    (tmp_path / "mine.toml").write_text('colour = 1\n[paths]\nid = "a..b"\n')
    with pytest.raises(ConfigError) as caught:
        make_from_preset(Generic, "./mine.toml", tmp_path)
    assert {problem.where for problem in caught.value.problems} == {
        f"{tmp_path / 'mine.toml'}, colour",
        f"{tmp_path / 'mine.toml'}, paths.id",
    }


def test_every_shipped_preset_can_be_named() -> None:
    assert "replicate" in shipped_presets(Options)
