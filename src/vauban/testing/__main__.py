"""The other process that checks play in."""

from vauban.testing.elsewhere import main

main()
