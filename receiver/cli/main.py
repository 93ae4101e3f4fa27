"""Every command's name, and what an error looks like."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup
from typer.main import get_command

from receiver.cli.screen import (
    clean,
    end_without_output,
    fail,
    say,
    show_everything,
    tell,
)
from receiver.composition import Composition
from receiver.errors import ConfigError, GridhookError, InvalidParams
from receiver.lib.process import streams

#: Each command's name, and where it is: only the one that runs is loaded.
COMMANDS: Final = {
    "serve": "serve:serve",
    "init": "init:init",
    "check": "check:check",
    "submit": "submit:submit",
    "pick": "submit:pick",
    "resolve": "resolve:resolve",
    "cancel": "resolve:cancel",
    "jobs": "lists:jobs",
    "events": "lists:events",
    "requests": "lists:requests",
    "deliveries": "lists:deliveries",
    "costs": "costs:costs",
    "status": "status:status",
    "doctor": "doctor:doctor",
    "tail": "tail:tail",
    "forward": "forward:forward",
    "redeliver": "redeliver:redeliver",
    "resend": "redeliver:resend",
    "reparse": "redeliver:reparse",
    "test": "test:send_test",
    "archive": "archive:archive",
    "preset": "preset:preset",
    "prune": "database.prune:prune",
    "backup": "database.backup:backup",
    "restore": "database.backup:restore",
    "simulate": "simulate:simulate",
    "demo": "simulate:demo",
    "schema": "init:schema",
    "manual": "manual:manual",
    "migrate": "database.migrate:migrate",
}


class Commands(TyperGroup):
    """The commands; what they raise on purpose ends as a sentence, not as a traceback."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        #: The names are asked here, the commands of `get_command`.
        self.commands = dict.fromkeys(COMMANDS)  # type: ignore[assignment]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command by its name, loaded now; None if there is no such command."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, function = place.partition(":")
        only = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        only.command(cmd_name)(getattr(import_module(f"receiver.cli.commands.{module}"), function))
        return get_command(only)

    def invoke(self, ctx: Any) -> Any:
        """Runs the command. Exit 2 for a configuration or parameters that cannot be used, 1 for all else."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            # What is left for a reader who stands still would hold the end up.
            streams.abandon(sys.stdout)
            raise
        except ConfigError as wrong:
            tell_problems(wrong)
            raise typer.Exit(2) from None
        except InvalidParams as wrong:
            fail(str(wrong), 2)
        except UnicodeEncodeError:
            fail("what was given is no text in UTF-8", 2)
        except GridhookError as wrong:
            fail(str(wrong))


app = typer.Typer(
    cls=Commands,
    help="Receives webhooks of AI image providers, keeps them, orders the follow-ups and tells your services.",
    no_args_is_help=True,
    add_completion=True,
    rich_markup_mode=None,
    # Their tracebacks would show the values of variables, so secrets.
    pretty_exceptions_enable=False,
)


def tell_problems(wrong: ConfigError) -> None:
    """Every mistake in a configuration: where, what, and what would be right."""
    count = len(wrong.problems)
    tell(f"gridhook: {clean(wrong.file)} cannot be used: {count} {'mistake' if count == 1 else 'mistakes'}")
    for problem in wrong.problems:
        tell(f"  {clean(problem.where)}: {clean(problem.wrong)}")
        tell(f"      -> {clean(problem.remedy)}")


def _show_version(wanted: bool) -> None:
    if not wanted:
        return
    from importlib.metadata import PackageNotFoundError, version  # noqa: PLC0415  # nothing else needs it

    try:
        say(f"gridhook {version('gridhook')}")
    except PackageNotFoundError:
        say("gridhook (not installed)")
    raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Holds the options that belong to no command."""


def run(composition: Composition) -> None:
    """The console script: reads the arguments, runs the command, exits."""
    show_everything()
    try:
        app(obj=composition)
    except OSError as wrong:
        end_without_output(wrong)
