"""The page “Who May Do What” says what the table of this folder says, which knows none of it."""

import pytest
from security.table import ADMINS, BILLING, MEMBERS, OWNERS, ROLES

from web import deeds
from workflows import permissions

pytestmark = pytest.mark.sqlite
KINDS = {"owner": "owner", "admin": "admin", "billing_admin": "billing", "member": "member"}


def test_the_page_of_who_may_agrees_with_the_table(town):
    rows = MEMBERS | ADMINS | BILLING | OWNERS

    for path, deed in deeds.of_site(town.app).items():
        may = {KINDS[one] for one in permissions.STANDINGS if permissions.may(deed, one)}
        told = ROLES[rows[f"POST {path}"].who] & set(KINDS.values())
        assert may == told or (deed.but and may <= told), path
