"""Options that several subcommands share, each also an environment variable."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.config.shard import Shard, parse_shard
from exporter.logs import LEVELS, LogFormat
from exporter.web.listen import Address, parse_address
from exporter.web.location import parse_external_url, parse_route_prefix, prefix_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from exporter.clock import Clock
    from exporter.web.webconfig.file import WebConfigFile

ENVIRONMENT_PREFIX = "SAGEMAKER_TUNING_EXPORTER_"
DEFAULT_CONFIG_FILE = "config.yaml"
DEFAULT_LISTEN_ADDRESS = "[::]:10980"


class Parser(argparse.ArgumentParser):
    """A parser whose options can be set in the environment; the command line wins."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(allow_abbrev=False, **settings)

    def add_option(self, flag: str, *, dest: str, default: str | None, **settings: Any) -> None:
        """Add ``flag``; its variable is the prefix and the flag in capitals, dots and dashes as underscores."""
        variable = _variable(flag)
        settings["help"] = f"{settings['help']} [{variable}; default {default or 'none'}]"
        self.add_argument(flag, dest=dest, default=os.environ.get(variable) or default, **settings)

    def add_switch(self, flag: str, *, dest: str, default: bool, help_: str) -> None:
        """Add ``flag`` and ``--no-flag``; in the environment ``true`` or ``false``."""
        variable = _variable(flag)
        text = os.environ.get(variable) or str(default).lower()
        if text not in {"true", "false"}:
            self.error(f"{variable} is {text!r}: write true or false")
        self.add_argument(
            flag,
            dest=dest,
            action=argparse.BooleanOptionalAction,
            default=text == "true",
            help=f"{help_} [{variable}; default {str(default).lower()}]",
        )


def _variable(flag: str) -> str:
    return ENVIRONMENT_PREFIX + flag.lstrip("-").upper().replace(".", "_").replace("-", "_")


def add_config_file(parser: Parser, default: str | None = DEFAULT_CONFIG_FILE) -> None:
    """Add ``--config.file``."""
    parser.add_option("--config.file", dest="config_file", default=default, metavar="FILE", help="The configuration.")


def add_web_config_file(parser: Parser) -> None:
    """Add ``--web.config.file``."""
    parser.add_option(
        "--web.config.file",
        dest="web_config_file",
        default=None,
        metavar="FILE",
        help="TLS, client certificates, passwords and more, in the format of the Prometheus exporter toolkit.",
    )


def web_config(options: argparse.Namespace, clock: Clock) -> WebConfigFile | None:
    """Return the file of ``--web.config.file``, None without one. Raise ConfigError with every mistake in it."""
    if not options.web_config_file:
        return None
    from exporter.web.webconfig.file import WebConfigFile  # noqa: PLC0415 - costs nothing where there is no such file

    return WebConfigFile(Path(options.web_config_file), clock)


def add_log_options(parser: Parser, default_level: str = "info") -> None:
    """Add ``--log.level`` and ``--log.format``."""
    parser.add_option(
        "--log.level",
        dest="log_level",
        default=default_level,
        type=_one_of(LEVELS, {"warn": "warning"}),
        metavar="LEVEL",
        help=f"The least severe lines to log: {', '.join(LEVELS)}.",
    )
    parser.add_option(
        "--log.format",
        dest="log_format",
        default=LogFormat.LOGFMT.value,
        type=_one_of(tuple(LogFormat)),
        metavar="FORMAT",
        help=f"How lines are written: {', '.join(LogFormat)}.",
    )


def add_listen_address(parser: Parser, default: str = DEFAULT_LISTEN_ADDRESS) -> None:
    """Add ``--web.listen-address``, which may be given several times, or once with commas in the environment."""
    parser.add_option(
        "--web.listen-address",
        dest="listen_addresses",
        default=default,
        action=_ListenAddresses,
        metavar="ADDRESS",
        help="Where to serve, as host:port, [IPv6]:port or :port; may be repeated, in the environment with commas.",
    )


def add_web_interface(parser: Parser) -> None:
    """Add ``--web.external-url``, ``--web.route-prefix`` and ``--web.disable-pages``."""
    parser.add_option(
        "--web.external-url",
        dest="external_url",
        default="",
        metavar="URL",
        help="The URL under which people reach the exporter, for one through a proxy.",
    )
    parser.add_option(
        "--web.route-prefix",
        dest="route_prefix",
        default="",
        metavar="PATH",
        help="The path before everything that is served, probes too. If it is not given, it is the path of "
        "--web.external-url; write / where a proxy takes that path away.",
    )
    parser.add_switch(
        "--web.disable-pages",
        dest="disable_pages",
        default=False,
        help_="Serve no pages for people, only /metrics and /-/.",
    )


class WebInterface(NamedTuple):
    """How people and Prometheus come to what is served: a URL or nothing, ``/a/b`` or nothing, and whether there are pages."""

    external_url: str
    prefix: str
    show_pages: bool


def web_interface(parser: Parser, options: argparse.Namespace) -> WebInterface:
    """Return what ``add_web_interface`` added; end with a usage error when it is not valid."""
    flag = "--web.external-url"
    try:
        external_url = parse_external_url(options.external_url)
        if options.route_prefix:
            flag = "--web.route-prefix"
            prefix = parse_route_prefix(options.route_prefix)
        else:
            prefix = prefix_of(external_url)
    except ValueError as error:
        parser.error(f"argument {flag}: {error}")
    return WebInterface(external_url, prefix, show_pages=not options.disable_pages)


class _ListenAddresses(argparse.Action):
    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,  # noqa: ARG002
    ) -> None:
        given = getattr(namespace, self.dest)
        setattr(namespace, self.dest, [*(given if isinstance(given, list) else ()), values])


def add_shard(parser: Parser) -> None:
    """Add ``--shard.index`` and ``--shard.total``."""
    parser.add_option(
        "--shard.index",
        dest="shard_index",
        default="0",
        metavar="INDEX",
        help="Which of the exporters that share the configuration this is, from 0; or a pod's name that ends in it.",
    )
    parser.add_option(
        "--shard.total",
        dest="shard_total",
        default="1",
        metavar="N",
        help="How many exporters share the configuration.",
    )


def shard(parser: Parser, options: argparse.Namespace) -> Shard:
    """Return the shard of ``--shard.index`` and ``--shard.total``; end with a usage error when they are not valid."""
    try:
        return parse_shard(options.shard_index, options.shard_total)
    except ValueError as error:
        parser.error(str(error))


def listen_addresses(parser: Parser, options: argparse.Namespace) -> list[Address]:
    """Return the addresses of ``--web.listen-address``; end with a usage error when one is not valid."""
    given = options.listen_addresses
    texts = given if isinstance(given, list) else [text.strip() for text in given.split(",")]
    try:
        return [parse_address(text) for text in texts]
    except ValueError as error:
        parser.error(f"argument --web.listen-address: {error}")


def in_force(parser: Parser, given: argparse.Namespace) -> Mapping[str, str]:
    """Return the value of each option that a command runs with, by its flag, wherever it was given; empty for none."""
    shown: dict[str, str] = {}
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        if action.option_strings and hasattr(given, action.dest):
            value = getattr(given, action.dest)
            flag = action.option_strings[0]
            if isinstance(value, bool):
                shown[flag] = str(value).lower()
            elif isinstance(value, list):
                shown[flag] = ", ".join(map(str, value))
            else:
                shown[flag] = "" if value is None else str(value)
    return shown


def _one_of(values: Collection[str], others: Mapping[str, str] = MappingProxyType({})) -> Callable[[str], str]:
    """Return a check for one of the words, in small letters or capitals; ``others`` are more words for some."""

    def check(text: str) -> str:
        word = others.get(text.lower(), text.lower())
        if word not in values:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(values)}")
        return word

    return check
