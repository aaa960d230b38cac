"""Roles are assumed by those who may, and the query protocol's XML carries what botocore looks for."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from exporter.simulator.chance import chance
from exporter.simulator.errors import ApiError
from exporter.simulator.sts import NAMESPACE, Issuer, answer_xml, error_xml, identity, user

ROLE = "arn:aws:iam::210987654321:role/teams/metrics"
ROLES = {ROLE: None, "arn:aws-cn:iam::111122223333:role/guarded": "open sesame"}
NOW = 1_764_000_000.25


def issuer(**options):
    return Issuer(chance("test"), now=NOW, **options)


def assume(**content):
    return issuer().assume_role(content, user("123456789012"), ROLES)


def assume_with_token(token, role=ROLE, **options):
    content = {"RoleArn": role, "RoleSessionName": "pod", "WebIdentityToken": token}
    return issuer(**options).assume_role_with_web_identity(content, {"a.b.c": ROLE})


def test_a_user_is_an_identity_of_its_account():
    assert identity(user("123456789012"))["Account"] == "123456789012"


def test_an_assumed_role_speaks_for_the_roles_account_until_it_expires():
    answer, key, caller = assume(RoleArn=ROLE, RoleSessionName="exporter", DurationSeconds="900")
    assert answer["Credentials"]["AccessKeyId"] == key
    assert answer["Credentials"]["Expiration"] == "2025-11-24T16:15:00Z"
    assert caller.account_id == "210987654321"
    assert caller.arn == "arn:aws:sts::210987654321:assumed-role/metrics/exporter"
    assert caller.expires == NOW + 900


def test_the_session_token_comes_with_the_key():
    answer, _, caller = assume(RoleArn=ROLE, RoleSessionName="exporter")
    assert answer["Credentials"]["SessionToken"] == caller.session_token
    assert user("123456789012").session_token is None


def test_a_lifetime_bounds_what_is_asked_for():
    assert assume_with_token("a.b.c", lifetime=60)[2].expires == NOW + 60
    assert assume_with_token("a.b.c", lifetime=7200)[2].expires == NOW + 3600


def test_a_web_identity_speaks_for_its_roles_account():
    answer, key, caller = assume_with_token("a.b.c")
    assert answer["Credentials"]["AccessKeyId"] == key
    assert caller.account_id == "210987654321"
    assert caller.arn == "arn:aws:sts::210987654321:assumed-role/metrics/pod"


@pytest.mark.parametrize(
    ("token", "role", "code", "status"),
    [
        ("d.e.f", ROLE, "InvalidIdentityToken", 400),
        ("a.b.c", [*ROLES][1], "AccessDenied", 403),
        ("a.b", ROLE, "ValidationError", 400),
        ("a.b.c", "metrics", "ValidationError", 400),
    ],
)
def test_a_web_identity_of_no_use_is_refused(token, role, code, status):
    with pytest.raises(ApiError) as refused:
        assume_with_token(token, role)
    assert (refused.value.code, refused.value.http_status) == (code, status)


def test_an_hour_is_the_default_duration():
    assert assume(RoleArn=ROLE, RoleSessionName="exporter")[2].expires == NOW + 3600


@pytest.mark.parametrize(
    ("content", "code", "status"),
    [
        ({"RoleArn": ROLE + "x", "RoleSessionName": "exporter"}, "AccessDenied", 403),
        ({"RoleArn": [*ROLES][1], "RoleSessionName": "exporter"}, "AccessDenied", 403),
        ({"RoleArn": [*ROLES][1], "RoleSessionName": "exporter", "ExternalId": "open"}, "AccessDenied", 403),
        ({"RoleSessionName": "exporter"}, "ValidationError", 400),
        ({"RoleArn": "metrics", "RoleSessionName": "exporter"}, "ValidationError", 400),
        ({"RoleArn": ROLE}, "ValidationError", 400),
        ({"RoleArn": ROLE, "RoleSessionName": "exporter", "DurationSeconds": "899"}, "ValidationError", 400),
        ({"RoleArn": ROLE, "RoleSessionName": "exporter", "DurationSeconds": "43201"}, "ValidationError", 400),
        ({"RoleArn": ROLE, "RoleSessionName": "exporter", "DurationSeconds": "an hour"}, "ValidationError", 400),
    ],
)
def test_who_may_not_is_refused(content, code, status):
    with pytest.raises(ApiError) as refused:
        assume(**content)
    assert (refused.value.code, refused.value.http_status) == (code, status)


def test_a_demanded_external_id_opens_the_role():
    _, _, caller = assume(RoleArn=[*ROLES][1], RoleSessionName="exporter", ExternalId="open sesame")
    assert caller.arn.startswith("arn:aws-cn:sts::111122223333:")


def test_xml_is_escaped_and_in_the_services_namespace():
    answer = ET.fromstring(answer_xml("GetCallerIdentity", {"Arn": "<&>"}, "id-1"))
    assert answer.tag == f"{{{NAMESPACE}}}GetCallerIdentityResponse"
    assert answer.findtext(".//{*}GetCallerIdentityResult/{*}Arn") == "<&>"
    assert answer.findtext(".//{*}ResponseMetadata/{*}RequestId") == "id-1"


@pytest.mark.parametrize(("status", "kind"), [(403, "Sender"), (500, "Receiver")])
def test_error_xml_says_whose_fault_it_is(status, kind):
    error = ET.fromstring(error_xml(ApiError("Code", "message", status), "id-2"))
    assert [error.findtext(f".//{{*}}{tag}") for tag in ("Type", "Code", "Message", "RequestId")] == [
        kind,
        "Code",
        "message",
        "id-2",
    ]
