"""The daemon, run when no subcommand is named."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from exporter import __version__, logs
from exporter.cli import COMMANDS, options
from exporter.cli.signals import handle_signals
from exporter.clock import SystemClock
from exporter.config import ConfigError, Settings, environment_region, read
from exporter.config.watch import Watcher
from exporter.daemon import Daemon
from exporter.web.listen import Address, open_socket
from exporter.web.pages import Origin

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

log = structlog.get_logger(__name__)


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. Return 0 then, 1 when a configuration or an address cannot be used."""
    parser = options.Parser(
        prog="sagemaker-tuning-exporter",
        description="Prometheus exporter for AWS SageMaker hyperparameter tuning jobs.",
        epilog="Subcommands: " + "; ".join(f"{name}: {text[0].lower()}{text[1:-1]}" for name, text in COMMANDS.items()),
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    options.add_config_file(parser)
    parser.add_switch(
        "--config.auto-reload",
        dest="auto_reload",
        default=True,
        help_="Load the configuration again when the file's content changes.",
    )
    options.add_listen_address(parser)
    options.add_web_config_file(parser)
    parser.add_switch(
        "--web.enable-lifecycle", dest="lifecycle", default=False, help_="Let POST /-/reload load the configuration."
    )
    options.add_web_interface(parser)
    options.add_shard(parser)
    options.add_log_options(parser)
    given = parser.parse_args(argv)
    addresses = options.listen_addresses(parser, given)
    web = options.web_interface(parser, given)
    shard = options.shard(parser, given)
    logs.configure(given.log_level, logs.LogFormat(given.log_format))
    file, clock = Path(given.config_file), SystemClock()
    # Looked at before it is read, so that no change in between is missed.
    watcher = Watcher(file, lambda: daemon.request_reload("file"), clock)

    def load() -> Settings:
        return shard.part(read(file, environment_region(os.environ)))

    try:
        settings = load()
        web_config = options.web_config(given, clock)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    sockets = open_sockets(addresses)
    if sockets is None:
        return 1
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
        origin=Origin(given.config_file, options.in_force(parser, given)),
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
    log.info(
        "serving",
        addresses=", ".join(served),
        **{name: value for name, value in reached.items() if value},
        version=__version__,
    )
    daemon.run()
    return 0


def open_sockets(addresses: Sequence[Address]) -> list[socket.socket] | None:
    """Return a listening socket for each address, or None after saying why one of them cannot be opened."""
    try:
        return [open_socket(address) for address in addresses]
    except OSError as error:
        print(error, file=sys.stderr)
        return None
