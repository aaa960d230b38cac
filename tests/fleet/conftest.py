from __future__ import annotations

import pytest
from fleet.account import Account


@pytest.fixture
def account() -> Account:
    return Account()
