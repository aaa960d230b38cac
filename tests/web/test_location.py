from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.location import parse_external_url, parse_route_prefix, prefix_of


@pytest.mark.parametrize(
    ("text", "url", "prefix"),
    [
        ("", "", ""),
        ("https://tuning.example.com", "https://tuning.example.com", ""),
        ("https://tuning.example.com/", "https://tuning.example.com", ""),
        ("http://example.com:8080/ml/tuning/", "http://example.com:8080/ml/tuning", "/ml/tuning"),
        ("http://[::1]:10980/a.b_c~d-e", "http://[::1]:10980/a.b_c~d-e", "/a.b_c~d-e"),
        ("HTTPS://Example.com/Tuning", "https://Example.com/Tuning", "/Tuning"),
    ],
)
def test_an_external_url_is_read(text: str, url: str, prefix: str) -> None:
    assert parse_external_url(text) == url
    assert prefix_of(url) == prefix


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("example.com/tuning", "write it like https://"),
        ("/tuning", "write it like https://"),
        ("ftp://example.com", "write it like https://"),
        ("https:///tuning", "write it like https://"),
        ("https://exa mple.com", "write it like https://"),
        ('"https://example.com"', "write it like https://"),
        ("https://example.com:0", "write it like https://"),
        ("https://example.com:99999", "Port out of range"),
        ("https://[::1", "write it like https://"),
        ("https://example.com/?a=b", "leave out what follows"),
        ("https://example.com/#top", "leave out what follows"),
    ],
)
def test_another_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"is not|has more") as refused:
        parse_external_url(text)
    assert says in str(refused.value)
    assert repr(text) in str(refused.value)


@pytest.mark.parametrize(
    "text", ["https://me:hunter2@example.com", "https://me:hunter2@[::1", "https://me:hunter2@x:99999"]
)
def test_a_password_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="leave out what is before the @") as refused:
        parse_external_url(text)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("path", ["/a%20b", "/a//b", "/..", "/a/./b", "/ä", "/a:b"])
def test_a_url_whose_path_cannot_be_served_needs_a_prefix(path: str) -> None:
    url = parse_external_url(f"https://example.com{path}")
    with pytest.raises(ValueError, match="or set the path to serve"):
        prefix_of(url)


@pytest.mark.parametrize("text", ["/ml/tuning", "ml/tuning", "/ml/tuning/", "ml/tuning//"])
def test_a_prefix_is_read_with_and_without_slashes_around_it(text: str) -> None:
    assert parse_route_prefix(text) == "/ml/tuning"


@pytest.mark.parametrize("text", ["", "/", "//"])
def test_no_prefix_is_read(text: str) -> None:
    assert parse_route_prefix(text) == ""


@pytest.mark.parametrize("text", ["/a//b", "/a/../b", ".", "/a b", "/a%2fb", "/a?b", "/a#b", "/a;b", "/a\n", "\\a"])
def test_a_prefix_that_could_be_read_in_two_ways_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write letters, digits and"):
        parse_route_prefix(text)


def test_a_url_for_a_prefix_is_sent_to_its_own_flag() -> None:
    with pytest.raises(ValueError, match="the URL goes into --web"):
        parse_route_prefix("https://example.com/tuning")


@given(st.text(alphabet="/.~ab%:@?#\\ \n", max_size=12))
def test_whatever_is_read_is_a_path_that_reads_as_itself(text: str) -> None:
    try:
        prefix = parse_route_prefix(text)
    except ValueError:
        return
    assert prefix == "" or (prefix.startswith("/") and not prefix.endswith("/"))
    assert parse_route_prefix(prefix) == prefix
