"""Runs the daemon, if no command is named."""

from __future__ import annotations

import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.cli import COMMANDS, options

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.config import Settings


def parser(commands: Mapping[str, options.Parser] = MappingProxyType({})) -> options.Parser:
    """Return the parser of the daemon's options, which also shows the commands. ``commands`` has their parsers."""
    made = _options()
    made.add_commands(COMMANDS, commands)
    return made


def _options() -> options.Parser:
    made = options.Parser(
        prog=options.PROGRAM,
        usage="%(prog)s [OPTION ...]\n       %(prog)s COMMAND [OPTION ...]",
        description="Prometheus exporter for AWS SageMaker hyperparameter tuning jobs. Without a command, it serves metrics.",
        epilog=f"{options.PROGRAM} COMMAND --help shows the options of a command.",
    )
    made.add_argument(
        "--version", action="version", version=f"%(prog)s {__version__}", help="Print the version and exit."
    )
    options.add_config_file(made)
    made.add_switch(
        "--config.auto-reload",
        dest="auto_reload",
        default=True,
        help_="Load the configuration again when the file's content changes.",
    )
    options.add_listen_address(made)
    options.add_web_config_file(made)
    made.add_switch(
        "--web.enable-lifecycle", dest="lifecycle", default=False, help_="Let POST /-/reload load the configuration."
    )
    options.add_web_interface(made)
    options.add_shard(made)
    options.add_log_options(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, then return 0.

    Raises UserError if a configuration or an address cannot be used.
    """
    # Only the parser for help knows the commands. Otherwise the value of an unknown option would count as a command.
    made = _options() if {"-h", "--help"}.isdisjoint(argv) else parser()
    if late := next((word for word in made.parse_known_args(argv)[1] if word in COMMANDS), None):
        made.error(f"the command comes first: write {options.PROGRAM} {late} [OPTION ...]")
    given = made.parse_args(argv)
    addresses = options.listen_addresses(made, given)
    web = options.web_interface(made, given)
    shard = options.shard(made, given)

    import structlog

    from exporter import logs
    from exporter.cli.listening import open_sockets
    from exporter.cli.signals import handle_signals
    from exporter.clock import SystemClock
    from exporter.config import environment_region, read
    from exporter.config.watch import Watcher
    from exporter.daemon import Daemon
    from exporter.log_format import LogFormat
    from exporter.web.listen import Address
    from exporter.web.pages import Origin

    logs.configure(given.log_level, LogFormat(given.log_format))
    file, clock = Path(given.config_file), SystemClock()
    # The watcher looks at the file before it is read, so that no change in between is missed.
    watcher = Watcher(file, lambda: daemon.request_reload("file"), clock)

    def load() -> Settings:
        return shard.part(read(file, environment_region(os.environ)))

    settings = load()
    web_config = options.web_config(given, clock)
    sockets = open_sockets(addresses)
    served = [str(Address(*listener.getsockname()[:2])) for listener in sockets]
    daemon = Daemon(
        load,
        settings,
        sockets,
        clock,
        lifecycle=given.lifecycle,
        web_config=web_config,
        prefix=web.prefix,
        show_pages=web.show_pages,
        origin=Origin(given.config_file, options.in_force(made, given)),
    )
    handle_signals(daemon)
    daemon.start()
    if given.auto_reload:
        watcher.start()
    reached = {
        "scheme": "http" if web_config is None else web_config.settings.scheme,
        "prefix": web.prefix,
        "external_url": web.external_url,
    }
    structlog.get_logger(__name__).info(
        "serving",
        addresses=", ".join(served),
        **{name: value for name, value in reached.items() if value},
        version=__version__,
    )
    daemon.run()
    return 0
