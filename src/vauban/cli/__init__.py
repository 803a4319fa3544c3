"""The command line. It only parses, calls and shows; heavy imports wait until a command needs them."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import click

from vauban.cli.audit import audit
from vauban.cli.fetch import fetch
from vauban.cli.gate import gate
from vauban.cli.look import info, list_, log, report, verify
from vauban.cli.own import check, init
from vauban.cli.predicted import predictions as _predictions  # noqa: F401 - adds itself to review
from vauban.cli.review import review
from vauban.cli.simulate import simulate
from vauban.cli.test import test
from vauban.errors import ExitCode, VaubanError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="vauban")
def cli() -> None:
    """Attack a classification model before an attacker does.

    Point it only at models that are yours.
    """


for _command in (init, check, audit, simulate, test, review, gate, list_, info, report, verify, log, fetch):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code that DESIGN promises: 0, 1, 2, 3 or 4."""
    sys.exit(_run(sys.argv[1:] if arguments is None else list(arguments)))


def _run(arguments: list[str]) -> int:
    # Not by click's own main: it exits 1, which means "over the limit" here, when the output is closed.
    try:
        with cli.make_context("vauban", arguments) as context:
            code = cli.invoke(context)
        sys.stdout.flush()
        return code or ExitCode.DONE
    except click.exceptions.Exit as done:  # --help, --version
        return done.exit_code
    except click.UsageError as error:
        error.show()
        return ExitCode.BAD_INPUT
    except (KeyboardInterrupt, click.Abort):
        return _failed("interrupted", ExitCode.INCOMPLETE)
    except VaubanError as error:
        return _failed(str(error), error.exit_code)
    except BrokenPipeError:
        return _failed("the output was closed before all of it was written", ExitCode.FAILED)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        return _failed(f"{error.strerror or error}{where}", ExitCode.FAILED)
    except Exception as error:  # noqa: BLE001 - exit code 1 has a meaning of its own; a defect must not take it
        return _failed(f"a defect of Vauban's: {type(error).__name__}: {error} ({_place(error)})", ExitCode.FAILED)


def _failed(problem: str, code: int) -> int:
    with suppress(OSError):
        click.echo(f"vauban: {problem}", err=True)
    try:
        sys.stdout.flush()
    except OSError:  # nobody reads it, or there is no room: Python would complain of it again when it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _place(error: Exception) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}, line {last.lineno}"
