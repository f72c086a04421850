"""Card companies: the adapter that the settings name. Only the doors ask for it."""

from __future__ import annotations

from workflows.billing import Billing
from workflows.billing.pretend import Pretend
from workflows.engine.settings import settings

ADAPTERS: dict[str, type[Billing]] = {"pretend": Pretend}


def card_company() -> Billing:
    """The one in use; Usher does not start with one that is not here."""
    return ADAPTERS[settings().billing]()
