"""Runs the command line: `hexclave …` or `python -m hexclave_server …`."""

from hexclave_server.cli.main import cli


def main() -> None:
    """The entry point of the command `hexclave`."""
    cli()


if __name__ == "__main__":
    main()
