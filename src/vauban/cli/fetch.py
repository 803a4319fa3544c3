"""``vauban fetch``: the only command that goes to the net."""

from __future__ import annotations

import click


@click.command()
@click.argument("name")
@click.option("--from", "address", help="Address of the file or archive, in place of the publisher's.")
def fetch(name: str, address: str | None) -> None:
    """Download a public data set into $VAUBAN_DATA_DIR or the cache.

    Nothing is kept whose contents are not the published ones. No other command downloads anything.
    """
    from vauban.datasets.fetch import fetch as get

    for path in get(name, address):
        click.echo(path)
