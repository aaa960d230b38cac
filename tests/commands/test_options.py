from __future__ import annotations

import pytest

from exporter.cli import options


def parsed(*arguments: str) -> tuple[str, str]:
    parser = options.Parser()
    options.add_log_options(parser)
    given = parser.parse_args(arguments)
    return given.log_level, given.log_format


@pytest.mark.parametrize(
    ("word", "level"),
    [("warn", "warning"), ("WARN", "warning"), ("Warning", "warning"), ("DEBUG", "debug"), ("Error", "error")],
)
def test_log_level_is_taken_as_people_write_it(monkeypatch: pytest.MonkeyPatch, word: str, level: str) -> None:
    assert parsed("--log.level", word)[0] == level
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_LOG_LEVEL", word)
    assert parsed()[0] == level


def test_log_format_is_taken_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed("--log.format=JSON")[1] == "json"
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_LOG_FORMAT", "Logfmt")
    assert parsed()[1] == "logfmt"


@pytest.mark.parametrize("word", ["loud", "warns", "", "info "])
def test_other_words_are_refused_as_they_were_written(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parsed("--log.level", word)
    assert f"{word!r} is not one of debug, info, warning, error" in capsys.readouterr().err


def interface(*arguments: str) -> options.WebInterface:
    parser = options.Parser()
    options.add_web_interface(parser)
    return options.web_interface(parser, parser.parse_args(arguments))


URL = "--web.external-url=https://example.com/ml/tuning/"


@pytest.mark.parametrize(
    ("arguments", "external_url", "prefix"),
    [
        ([], "", ""),
        ([URL], "https://example.com/ml/tuning", "/ml/tuning"),
        ([URL, "--web.route-prefix=/"], "https://example.com/ml/tuning", ""),
        ([URL, "--web.route-prefix=tuning"], "https://example.com/ml/tuning", "/tuning"),
        (["--web.route-prefix=/tuning/"], "", "/tuning"),
        (["--web.external-url=https://example.com/a%20b", "--web.route-prefix=/"], "https://example.com/a%20b", ""),
    ],
)
def test_the_prefix_is_the_path_of_the_external_url_unless_it_is_given(
    arguments: list[str], external_url: str, prefix: str
) -> None:
    assert interface(*arguments) == (external_url, prefix, True)


def test_the_interface_can_be_set_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"EXTERNAL_URL": "https://example.com/x", "ROUTE_PREFIX": "/y", "DISABLE_PAGES": "true"}.items():
        monkeypatch.setenv(f"SAGEMAKER_TUNING_EXPORTER_WEB_{name}", value)
    assert interface() == ("https://example.com/x", "/y", False)
    assert interface("--web.external-url=", "--web.route-prefix=/", "--no-web.disable-pages") == ("", "", True)


@pytest.mark.parametrize(
    ("argument", "says"),
    [
        ("--web.external-url=example.com", "argument --web.external-url: 'example.com' is not an http or https URL"),
        ("--web.external-url=https://example.com/a//b", "argument --web.external-url: cannot serve under '/a//b'"),
        ("--web.route-prefix=https://example.com", "argument --web.route-prefix: 'https://example.com' is a URL"),
        ("--web.route-prefix=/a b", "argument --web.route-prefix: cannot serve under '/a b': write letters"),
    ],
)
def test_an_interface_that_cannot_be_is_a_usage_error(
    argument: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        interface(argument)
    assert refused.value.code == 2
    assert says in capsys.readouterr().err


def test_every_option_in_force_is_told_with_its_value_wherever_it_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_SHARD_TOTAL", "3")
    parser = options.Parser(prog="x")
    parser.add_argument("--version", action="version", version="1")
    options.add_config_file(parser)
    options.add_listen_address(parser)
    options.add_shard(parser)
    parser.add_switch("--config.auto-reload", dest="auto_reload", default=True, help_="")
    given = parser.parse_args(["--web.listen-address=:1", "--web.listen-address=:2", "--no-config.auto-reload"])
    assert options.in_force(parser, given) == {
        "--config.file": "config.yaml",
        "--web.listen-address": ":1, :2",
        "--shard.index": "0",
        "--shard.total": "3",
        "--config.auto-reload": "false",
    }


def test_what_a_usage_error_repeats_cannot_control_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        options.Parser(prog="exporter").parse_args(["--a\x1b[2J\rb\u202ec"])
    said = capsys.readouterr().err
    assert "unknown argument --a\\x1b[2J\\rb\\u202ec" in said
    assert all(character.isprintable() or character == "\n" for character in said)
