from __future__ import annotations

from typing import Any

import pytest
from simulator.conftest import ACCOUNT, Validate

from exporter.simulator.errors import ApiError
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.quotas import NAMES, USUAL
from exporter.simulator.service import Simulator


def pages(simulator: Simulator, **content: Any) -> list[dict[str, Any]]:
    """Return the pages of a whole list."""
    found = [simulator.list_service_quotas(ServiceCode="sagemaker", **content)]
    while (token := found[-1].get("NextToken")) is not None:
        found.append(simulator.list_service_quotas(ServiceCode="sagemaker", **content, NextToken=token))
    return found


@pytest.mark.parametrize("size", [7, 100])
def test_all_quotas_come_page_by_page_and_as_the_api_says(simulator: Simulator, validate: Validate, size: int) -> None:
    found = pages(simulator, MaxResults=size)
    assert [problem for page in found for problem in validate("ListServiceQuotas", page)] == []
    assert {len(page["Quotas"]) for page in found[:-1]} == {size}
    quotas = [quota for page in found for quota in page["Quotas"]]
    assert [quota["QuotaName"] for quota in quotas] == [*NAMES]
    assert {quota["Value"] for quota in quotas} == {USUAL}
    assert len({quota["QuotaCode"] for quota in quotas}) == len(NAMES)
    assert simulator.requests["ListServiceQuotas", "us-east-1"] == len(found) > 1


def test_a_value_is_that_of_one_account_and_region(simulator: Simulator) -> None:
    simulator.quotas.set(ACCOUNT, "us-east-1", NAMES[0], 3.0)
    simulator.quotas.set(ACCOUNT, "us-east-1", NAMES[1], None)
    simulator.quotas.set(ACCOUNT, "us-east-1", "another", 7.0)

    def first(**where: str) -> list[Any]:
        found = simulator.list_service_quotas(ServiceCode="sagemaker", **where)["Quotas"]
        return [quota.get("Value") for quota in found[:2]]

    assert first() == [3.0, None]
    assert first(region="eu-west-1") == first(account_id="210987654321") == [USUAL, USUAL]
    assert pages(simulator)[-1]["Quotas"][-1]["QuotaName"] == "another"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({}, "NoSuchResourceException"),
        ({"ServiceCode": "sage"}, "NoSuchResourceException"),
        ({"ServiceCode": "sagemaker", "MaxResults": 101}, "IllegalArgumentException"),
        ({"ServiceCode": "sagemaker", "MaxResults": 0}, "IllegalArgumentException"),
        ({"ServiceCode": "sagemaker", "NextToken": "x"}, "InvalidPaginationTokenException"),
        ({"ServiceCode": 7}, "SerializationException"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(simulator: Simulator, content: dict[str, Any], code: str) -> None:
    with pytest.raises(ApiError) as caught:
        simulator.list_service_quotas(**content)
    assert caught.value.code == code


def test_faults_strike_it_in_the_words_of_its_service(simulator: Simulator) -> None:
    usual = simulator.list_service_quotas(ServiceCode="sagemaker")
    throttled = simulator.faults.add(Fault(Kind.THROTTLED, operation="ListServiceQuotas"))
    with pytest.raises(ApiError) as caught:
        simulator.list_service_quotas(ServiceCode="sagemaker")
    assert caught.value.code == "TooManyRequestsException"
    simulator.faults.remove(throttled)
    for kind in (Kind.WRONG_ACCOUNT, Kind.MALFORMED):
        fault = simulator.faults.add(Fault(kind))
        assert simulator.list_service_quotas(ServiceCode="sagemaker")["Quotas"] != usual["Quotas"]
        simulator.faults.remove(fault)
