from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.exposition.format import Format
from exporter.web.negotiate import _items, accepts_gzip, choose_format

PROMETHEUS_2 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
NATIVE_HISTOGRAMS = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.7," + PROMETHEUS_3
)
TEXT_ONLY = "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
FIREFOX = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    "accept",
    [
        PROMETHEUS_2,
        PROMETHEUS_3,
        NATIVE_HISTOGRAMS,
        "application/openmetrics-text",
        "application/openmetrics-text; version=0.0.1",
        'application/openmetrics-text; version="1.0.0"',
        "APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; Q=0.1",
        "application/*",
        "application/openmetrics-text, text/plain",
        "application/openmetrics-text;q=0.5, text/plain;q=0.4",
        "*/*;q=0.1, application/openmetrics-text;q=0.2",
        "application/openmetrics-text;version=2.0.0, application/openmetrics-text;version=1.0.0;q=0.5",
        "text/plain;q=0, */*",
    ],
)
def test_openmetrics_goes_to_who_prefers_it(accept: str) -> None:
    assert choose_format(accept) is Format.OPENMETRICS


@pytest.mark.parametrize(
    "accept",
    [
        None,
        "",
        "*/*",
        TEXT_ONLY,
        FIREFOX,
        "text/html",
        "text/plain",
        "text/*",
        "text/plain, application/openmetrics-text",
        "application/openmetrics-text;q=0.4, text/plain;q=0.5",
        "application/openmetrics-text;version=2.0.0",
        "application/openmetrics-text;version=2.0.0, */*;q=0.1",
        "application/openmetrics-text;q=0",
        "application/openmetrics-text;q=0, text/plain;q=0",
        "application/openmetrics-text;q=0, */*",
        "application/openmetrics-text;q=nan",
        "application/openmetrics-text;q=-1",
        "application/openmetrics-text;q=",
        "application/openmetrics-text-but-not-quite",
        "application/vnd.google.protobuf",
        ";;;,,,===",
    ],
)
def test_text_goes_to_everybody_else(accept: str | None) -> None:
    assert choose_format(accept) is Format.TEXT


headers = st.text(alphabet=st.sampled_from('application/openmetrics-text*;q=10.5,version gzp"\x00é'), max_size=200)


@given(st.one_of(st.none(), st.text(), headers))
def test_no_header_is_too_odd(header: str | None) -> None:
    assert choose_format(header) in Format
    assert accepts_gzip(header) in {True, False}


qualities = st.integers(0, 1000).map(lambda thousandths: thousandths / 1000)


@given(qualities, qualities, st.booleans())
@example(openmetrics=0.0, text=0.0, text_first=True)
def test_the_higher_quality_wins_in_any_order(openmetrics: float, text: float, text_first: bool) -> None:
    members = [f"application/openmetrics-text;version=1.0.0;q={openmetrics:.3f}", f"text/plain;q={text:.3f}"]
    chosen = choose_format(", ".join(reversed(members) if text_first else members))
    if openmetrics != text:
        assert chosen is (Format.OPENMETRICS if openmetrics > text else Format.TEXT)
    else:
        assert chosen is (Format.TEXT if text_first or text == 0 else Format.OPENMETRICS)


@pytest.mark.parametrize(
    "accept_encoding",
    ["gzip", "GZIP", "x-gzip", "gzip, deflate, br, zstd", "deflate, gzip;q=0.001", "*", "identity;q=0.5, gzip",
     "br;q=1.0, *;q=0.5", "gzip;q=1, *;q=0", "gzip;q=1, identity"],
)  # fmt: skip
def test_who_reads_gzip_gets_it(accept_encoding: str) -> None:
    assert accepts_gzip(accept_encoding)


@pytest.mark.parametrize(
    "accept_encoding",
    [None, "", "identity", "deflate, br", "gzip;q=0", "gzip;q=0.000, *", "*;q=0", "gzip;q=0.5, identity",
     "gzip;q=x", "gzippy", "identity, *;q=0.5"],
)  # fmt: skip
def test_who_does_not_read_gzip_or_rather_would_not_gets_plain_bodies(accept_encoding: str | None) -> None:
    assert not accepts_gzip(accept_encoding)


@given(qualities)
def test_gzip_is_accepted_above_zero(quality: float) -> None:
    assert accepts_gzip(f"br, gzip;q={quality:.3f}") is (quality > 0)


@given(st.text(alphabet="a,;=", max_size=3000), st.integers(0, 30))
def test_no_more_than_a_few_members_and_parameters_are_read(rest: str, before: int) -> None:
    members = "text/html," * before
    for header in (members + rest, members + "," * 16_384, "a,", "a;b=c;" * 2000 + rest):
        items = list(_items(header))
        assert len(items) <= 32
        assert all(len(item.parameters) <= 8 for item in items)
    assert choose_format(members + "application/openmetrics-text," + rest) is Format.OPENMETRICS
    assert accepts_gzip(members + "gzip," + rest)
    assert not accepts_gzip("br," * 32 + "gzip")
