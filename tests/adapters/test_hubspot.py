"""HubSpot's adapter keeps the port's promises."""

# ruff: noqa: F401 - pytest finds the imported fixtures by their names

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from adapters.errors import (
    BatchRefused,
    BrokenContract,
    OutcomeUnknown,
    PauseMapping,
    Throttled,
    TokenExpired,
    TryLater,
)
from adapters.http import HostRefused, Wire
from adapters.hubspot import HubSpot
from adapters.hubspot.traits import TAG_FIELD, TRAITS
from adapters.values import Account, Batch, Note, Operation, Outcome, Row, Status, TagOptions
from schemas.fields import Entity, FieldType, FieldValue
from simulators.hubspot import HubSpot as Simulated
from simulators.kit.server import running
from tests.adapters.contract import AdapterContract, Bench, people
from tests.adapters.hubspot_bench import bench, definitions


class TestContract(AdapterContract):
    """The promises of every adapter."""
