"""Options that several commands share. Each can also be set by an environment variable."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from exporter.cli.hints import meant, no_command
from exporter.log_format import LEVELS, LogFormat
from exporter.web.listen import Address, parse_address
from exporter.web.location import parse_external_url, parse_route_prefix, prefix_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from exporter.clock import Clock
    from exporter.config.shard import Shard
    from exporter.web.webconfig.file import WebConfigFile

PROGRAM = "sagemaker-tuning-exporter"
FILE = "FILE"
"""The metavar of all arguments that are files. Shell completion uses it."""

ENVIRONMENT_PREFIX = "SAGEMAKER_TUNING_EXPORTER_"
DEFAULT_CONFIG_FILE = "config.yaml"
DEFAULT_LISTEN_ADDRESS = "[::]:10980"

_NAMED = "config_file_named"
"""The attribute of the namespace that says how the configuration file was given."""


class Parser(argparse.ArgumentParser):
    """A parser whose options can be set in the environment. The command line takes precedence."""

    def __init__(self, *, examples: Sequence[str] = (), **settings: Any) -> None:
        """``examples`` are command lines without the program's name, to show at the end of the help."""
        super().__init__(allow_abbrev=False, **settings)
        self.examples = tuple(f"{PROGRAM} {each}" for each in examples)

    def format_help(self) -> str:
        """Return the help, with examples on single lines."""
        if not self.examples:
            return super().format_help()
        shown = "\n".join(f"  {each}" for each in self.examples)
        return f"{super().format_help()}\nexamples:\n{shown}\n"

    def parse_args(  # type: ignore[override]  # no subclass of Namespace is used here
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        """Return the options. If one is unknown, exit with a usage error with a suggestion."""
        given, unknown = self.parse_known_args(args, namespace)
        if unknown:
            known = [flag for action in self._actions for flag in action.option_strings]
            self.error(f"unknown argument {unknown[0]}{meant(unknown[0].partition('=')[0], known)}")
        if len(getattr(given, _NAMED, ())) > 1:
            self.error("FILE and --config.file are the same: give one of them")
        return given

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Exit, with a message if there is one. Arguments in it are printed so that they cannot control a terminal."""
        if message:
            from exporter.logs import defused

            message = defused(message)
        super().exit(status, message)

    def refuse(self, command: str, known: Collection[str]) -> NoReturn:
        """Exit with a usage error that lists the commands, for an unknown command."""
        self.error(no_command(command, known))

    def add_commands(self, summaries: Mapping[str, str], parsers: Mapping[str, Parser]) -> None:
        """Add the commands, for help and completion only. A command without a parser here has no options."""
        commands = self.add_subparsers(title="commands", metavar="COMMAND", dest="command", prog=self.prog)
        for name, summary in summaries.items():
            own = parsers.get(name)
            description = own.description if own else None
            commands.add_parser(
                name, help=summary, description=description, add_help=False, parents=[own] if own else []
            )

    def add_option(self, flag: str, *, dest: str, default: str | None, **settings: Any) -> None:
        """Add ``flag``. Its variable is the prefix and the flag in capitals, with underscores instead of dots and dashes."""
        name = variable(flag)
        settings["help"] = f"{settings['help']} [{name}; default {default or 'none'}]"
        self.add_argument(flag, dest=dest, default=os.environ.get(name) or default, **settings)

    def add_switch(self, flag: str, *, dest: str, default: bool, help_: str) -> None:
        """Add ``flag`` and ``--no-flag``. In the environment the value is ``true`` or ``false``."""
        name = variable(flag)
        text = os.environ.get(name) or str(default).lower()
        if text not in {"true", "false"}:
            self.error(f"{name} is {text!r}: write true or false")
        self.add_argument(
            flag,
            dest=dest,
            action=argparse.BooleanOptionalAction,
            default=text == "true",
            help=f"{help_} [{name}; default {str(default).lower()}]",
        )


def variable(flag: str) -> str:
    """Return the environment variable of a flag."""
    return ENVIRONMENT_PREFIX + flag.lstrip("-").upper().replace(".", "_").replace("-", "_")


def add_config_file(
    parser: Parser, default: str | None = DEFAULT_CONFIG_FILE, *, alone: bool = False, more: str = ""
) -> None:
    """Add ``--config.file``. With ``alone``, the file may also be given without the option. ``more`` is added to its help."""
    if alone:
        parser.add_argument(
            "config_file",
            nargs="?",
            metavar=FILE,
            action=_Named,
            default=argparse.SUPPRESS,
            help=f"The same as --config.file{more}.",
        )
    parser.add_option(
        "--config.file",
        dest="config_file",
        default=default,
        metavar=FILE,
        action=_Named if alone else "store",
        help="The configuration.",
    )


def add_web_config_file(parser: Parser) -> None:
    """Add ``--web.config.file``."""
    parser.add_option(
        "--web.config.file",
        dest="web_config_file",
        default=None,
        metavar=FILE,
        help="TLS, client certificates, passwords and more, in the format of the Prometheus exporter toolkit.",
    )


def web_config(options: argparse.Namespace, clock: Clock) -> WebConfigFile | None:
    """Return the file of ``--web.config.file``, None without one. Raises ConfigError with all mistakes in it."""
    if not options.web_config_file:
        return None
    from exporter.web.webconfig.file import WebConfigFile

    return WebConfigFile(Path(options.web_config_file), clock)


def add_log_options(parser: Parser, default_level: str = "info") -> None:
    """Add ``--log.level`` and ``--log.format``."""
    parser.add_option(
        "--log.level",
        dest="log_level",
        default=default_level,
        type=_OneOf(LEVELS, {"warn": "warning"}),
        metavar="LEVEL",
        help=f"The least severe lines to log: {', '.join(LEVELS)}.",
    )
    parser.add_option(
        "--log.format",
        dest="log_format",
        default=LogFormat.LOGFMT.value,
        type=_OneOf(tuple(LogFormat)),
        metavar="FORMAT",
        help=f"How lines are written: {', '.join(LogFormat)}.",
    )


def add_listen_address(parser: Parser, default: str = DEFAULT_LISTEN_ADDRESS, *, several: bool = True) -> None:
    """Add ``--web.listen-address``. With ``several``, it may be repeated, and have commas in the environment."""
    more = "; may be repeated, in the environment with commas" if several else ""
    parser.add_option(
        "--web.listen-address",
        dest="listen_addresses",
        default=default,
        action=_ListenAddresses if several else "store",
        metavar="ADDRESS",
        help=f"Where to serve, as host:port, [IPv6]:port or :port{more}.",
    )


def add_web_interface(parser: Parser) -> None:
    """Add ``--web.external-url``, ``--web.route-prefix`` and ``--web.disable-pages``."""
    parser.add_option(
        "--web.external-url",
        dest="external_url",
        default="",
        metavar="URL",
        help="The URL under which people reach the exporter, if that is through a proxy.",
    )
    parser.add_option(
        "--web.route-prefix",
        dest="route_prefix",
        default="",
        metavar="PATH",
        help="The path under which everything is served, probes too. If it is not given, it is the path of "
        "--web.external-url; write / if a proxy removes that path.",
    )
    parser.add_switch(
        "--web.disable-pages",
        dest="disable_pages",
        default=False,
        help_="Serve no pages for people, only /metrics and /-/.",
    )


class WebInterface(NamedTuple):
    """The external URL (may be empty), the path prefix (``/a/b`` or empty), and whether there are pages."""

    external_url: str
    prefix: str
    show_pages: bool


def web_interface(parser: Parser, options: argparse.Namespace) -> WebInterface:
    """Return the values of the options of ``add_web_interface``. Exits with a usage error if they are not valid."""
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


class _Named(argparse.Action):
    """Stores a file, and whether it was given alone or with its option."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse's signature
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        vars(namespace).setdefault(_NAMED, set()).add(option_string)
        setattr(namespace, self.dest, values)


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
    """Return the shard of ``--shard.index`` and ``--shard.total``. Exits with a usage error if they are not valid."""
    from exporter.config.shard import parse_shard

    try:
        return parse_shard(options.shard_index, options.shard_total)
    except ValueError as error:
        parser.error(str(error))


def is_given(flag: str, given: object, default: object) -> bool:
    """Return whether an option was set, on the command line or in the environment."""
    return given != default or bool(os.environ.get(variable(flag)))


def listen_addresses(parser: Parser, options: argparse.Namespace) -> list[Address]:
    """Return the addresses of ``--web.listen-address``. Exits with a usage error if one is not valid."""
    given = options.listen_addresses
    texts = given if isinstance(given, list) else [text.strip() for text in given.split(",")]
    try:
        return [parse_address(text) for text in texts]
    except ValueError as error:
        parser.error(f"argument --web.listen-address: {error}")


def in_force(parser: Parser, given: argparse.Namespace) -> Mapping[str, str]:
    """Return the value of each option by flag, from any source. Empty if it has none."""
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


class _OneOf:
    """Parses one of several words, independent of case. ``others`` maps other words to these."""

    def __init__(self, words: Collection[str], others: Mapping[str, str] = MappingProxyType({})) -> None:
        self.words = tuple(words)
        self._others = others

    def __call__(self, text: str) -> str:
        word = self._others.get(text.lower(), text.lower())
        if word not in self.words:
            raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(self.words)}")
        return word
