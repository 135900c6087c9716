"""Which survey platforms there are: one line each. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from schemas.sources import (
    formbricks,
    npstoday,
    odoo,
    qualtrics,
    recipe,
    standard,
    surveyjs,
    surveymonkey,
    tally,
    typeform,
)
from schemas.sources.base import Platform

PLATFORMS: Mapping[str, Platform] = MappingProxyType(
    {
        one.name: one
        for one in (
            standard.PLATFORM,
            npstoday.PLATFORM,
            typeform.PLATFORM,
            tally.PLATFORM,
            formbricks.PLATFORM,
            surveyjs.PLATFORM,
            qualtrics.PLATFORM,
            surveymonkey.PLATFORM,
            odoo.PLATFORM,
            recipe.PLATFORM,
        )
    }
)
