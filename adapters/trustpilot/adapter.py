"""The Trustpilot adapter: links alone, and those need no call."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import ClassVar

from adapters.errors import ReconnectNeeded
from adapters.http import Wire
from adapters.recordless import Recordless
from adapters.traits import Traits
from adapters.trustpilot.links import IV_BYTES, key_of, sealed_link
from adapters.trustpilot.traits import TRAITS
from adapters.values import Account, Identity
from schemas.fields import Entity


class Trustpilot(Recordless):
    """One business."""

    traits: ClassVar[Traits] = TRAITS

    def __init__(self, account: Account, wire: Wire, entities: Mapping[str, Entity]) -> None:
        del wire, entities
        self._base = account.base_url or TRAITS.base_url
        self._domain = str(account.settings["domain"]).lower()
        self._keys = key_of(account.token), key_of(str(account.settings["authentication_key"]))

    def probe(self) -> Identity:
        """The port's `probe`. Nobody can be asked whether the keys are the right ones: only that
        they have the form of keys is known.
        """
        self._both()
        return Identity(account_id=self._domain, account_name=self._domain)

    def review_link(self, *, reference: str, email: str, name: str) -> str:
        """The port's `review_link`."""
        encryption, authentication = self._both()
        return sealed_link(
            self._base,
            self._domain,
            {"email": email, "name": name, "ref": reference},
            encryption_key=encryption,
            authentication_key=authentication,
            iv=os.urandom(IV_BYTES),
        )

    def _both(self) -> tuple[bytes, bytes]:
        encryption, authentication = self._keys
        if encryption is None or authentication is None:
            message = "both keys are 32 bytes in base64"
            raise ReconnectNeeded(message, code="key_refused")
        return encryption, authentication
