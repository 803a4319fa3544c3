"""The command line. It only parses, calls and shows; heavy imports wait until a command needs them."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from vauban.cli.audit import audit
from vauban.cli.look import info, list_, report, verify
from vauban.errors import ExitCode, VaubanError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="vauban")
def cli() -> None:
    """Attack a classification model before an attacker does.

    Point it only at models that are yours.
    """


for _command in (audit, list_, info, report, verify):
    cli.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with the code that DESIGN promises: 0, 1, 2, 3 or 4."""
    try:
        code = cli.main(args=None if arguments is None else list(arguments), standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(ExitCode.BAD_INPUT)
    except click.Abort:
        click.echo("Interrupted.", err=True)
        sys.exit(ExitCode.INCOMPLETE)
    except VaubanError as error:
        click.echo(f"vauban: {error}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(ExitCode.FAILED)
    except OSError as error:
        click.echo(f"vauban: {error.strerror or error}: {error.filename or ''}".rstrip(": "), err=True)
        sys.exit(ExitCode.FAILED)
    sys.exit(code or ExitCode.DONE)
