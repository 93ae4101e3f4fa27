"""Writes a vendor into the configuration and its secrets beside it: new files, or the end of those that are there."""

from __future__ import annotations

import os
from pathlib import Path

from receiver.cli.screen import clean, fail, say
from receiver.cli.session import DEFAULT_FILE
from receiver.config import starter, starter_secrets
from receiver.config.environment.env_file import read_env_file
from receiver.config.files.presets import make_from_preset, shipped_presets
from receiver.config.files.toml_file import TomlWrong, read_toml
from receiver.config.findings import Findings
from receiver.config.template import STARTER_URL, variable_lines
from receiver.lib.nearest import nearest
from receiver.providers import PROVIDERS
from receiver.providers.generic import Generic
from receiver.views.vendor_section import VendorSection, vendor_section


def write_vendor(config: Path, vendor: str) -> None:
    """Adds a source for a vendor: to a new starter configuration, or at the end of the one that is there.

    What stands in a file is never changed. Ends with a sentence where that cannot be.
    """
    preset = _preset(vendor)
    if os.path.lexists(config):
        section, env_file = _append(config, vendor, preset)
        done = f"{config} has [sources.{vendor}] at its end now, and {env_file} its secrets"
    else:
        section = vendor_section(vendor, preset, STARTER_URL)
        env_file = write_starter(config, section)
        done = f"{config} is written, and its secrets into {env_file}; only you can read them"
    say(f"{clean(done)}. Next:")
    check = "gridhook check" if config == DEFAULT_FILE else f"gridhook check --config {config}"
    steps = [*(step.format(env=env_file) for step in section.steps), f"{check}   tells what is missing still"]
    for number, step in enumerate(steps, 1):
        say(clean(f"  {number}. {step}"))


def write_starter(config: Path, section: VendorSection | None = None) -> Path:
    """Writes a starter configuration and fresh secrets; returns the file of these. Ends with a sentence if it cannot.

    The secrets go into `.env`, or into a file named like the configuration where there is one already.
    """
    text, variables = (None, None) if section is None else (section.text, section.variables)
    env_file = _write_secrets(config, starter_secrets(variables))
    try:
        _write_new(config, starter(env_file.name, text))
    except OSError as wrong:
        env_file.unlink()
        fail(f"{config} cannot be written: {wrong.strerror}")
    return env_file


def _preset(vendor: str) -> Generic | None:
    """The vendor's preset; None for one that gridhook speaks by itself. Ends where it knows none of the name."""
    presets, native = shipped_presets(Generic.Options), set(PROVIDERS) - {Generic.name}
    if vendor in presets:
        return make_from_preset(Generic, vendor, Path.cwd())
    if vendor not in native:
        fail(f"no vendor is called {vendor!r}: {nearest(vendor, sorted({*presets, *native}))}", 2)
    return None


def _append(config: Path, vendor: str, preset: Generic | None) -> tuple[VendorSection, Path]:
    try:
        tables = read_toml(config, "")
    except TomlWrong as wrong:
        fail(f"{config} cannot be read: {wrong.problem.where}: {wrong.problem.wrong}", 2)
    sources = tables.get("sources", {})
    if not isinstance(sources, dict) or vendor in sources:
        fail(f"{config} has a source {vendor!r} already and stays as it is")
    public_url = tables.get("public_url")
    section = vendor_section(vendor, preset, public_url if isinstance(public_url, str) else STARTER_URL)
    known = read_env_file(tables.get("env_file"), config.parent, Findings())
    new = {name: told for name, told in section.variables.items() if name not in known.values}
    try:
        _extend(known.path, variable_lines(new))
        _extend(config, f"\n{section.text}")
    except OSError as wrong:
        fail(f"{wrong.filename} cannot be written: {wrong.strerror}")
    return section, known.path


def _extend(file: Path, text: str) -> None:
    """Writes at the end of a file; a new one is for its owner alone. Raises OSError."""
    with open(os.open(file, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "r+b") as opened:
        before = opened.read()
        opened.write((b"\n" if before and not before.endswith(b"\n") else b"") + text.encode())


def _write_secrets(config: Path, text: str) -> Path:
    """Writes secrets into the first of two files that is not there yet; returns which. Ends where it cannot."""
    usual, own = config.parent / ".env", config.with_suffix(".env")
    try:
        try:
            _write_new(usual, text)
        except FileExistsError:
            _write_new(own, text)
            return own
        return usual
    except OSError as wrong:
        what = "is there already and stays as it is" if isinstance(wrong, FileExistsError) else "cannot be written"
        fail(f"{wrong.filename} {what}: {wrong.strerror}")


def _write_new(file: Path, text: str) -> None:
    """Writes a file that only its owner can read. Raises OSError, FileExistsError if it is there."""
    raw = text.encode()
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(raw)
