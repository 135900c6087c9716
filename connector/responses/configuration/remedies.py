"""Who mends what a mapping's readiness found, and where. Pure.

`where` names a place of the pages, `page_of` its address below the workspace's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Who: an admin here, an admin of the CRM, whoever keeps campaigns and surveys.
HERE, CRM, SURVEY = "admin", "crm_admin", "survey_owner"


@dataclass(frozen=True, slots=True)
class Remedy:
    """`who` mends it and `where`: a key of PAGES."""

    who: str
    where: str


REMEDIES: Mapping[str, Remedy] = {
    "nothing_mapped": Remedy(HERE, "mapping"),
    "unknown_variable": Remedy(HERE, "row"),
    "unknown_field": Remedy(HERE, "row"),
    "read_only": Remedy(HERE, "row"),
    "type_unfit": Remedy(HERE, "row"),
    "transform_invalid": Remedy(HERE, "row"),
    "default_unfit": Remedy(HERE, "row"),
    "option_not_offered": Remedy(CRM, "row"),
    "option_uncovered": Remedy(HERE, "row"),
    "too_long": Remedy(HERE, "row"),
    "may_be_too_long": Remedy(HERE, "row"),
    "value_unfit": Remedy(HERE, "row"),
    "tag_field_taken": Remedy(HERE, "row"),
    "required_may_lack": Remedy(HERE, "row"),
    "required_uncovered": Remedy(HERE, "mapping"),
    "operation_unsupported": Remedy(HERE, "mapping"),
    "not_identifying": Remedy(HERE, "mapping"),
    "unchecked_variable": Remedy(SURVEY, "campaigns"),
    "question_not_asked": Remedy(SURVEY, "survey"),
    "campaign_unknown": Remedy(SURVEY, "campaigns"),
    "segment_missing": Remedy(SURVEY, "audience"),
    "segment_lacks": Remedy(SURVEY, "audience"),
    "participation_unset": Remedy(SURVEY, "audience"),
    "answers_again": Remedy(HERE, "mapping"),
    "flag_unknown": Remedy(SURVEY, "survey"),
    "property_unknown": Remedy(SURVEY, "audience"),
    "not_connected": Remedy(HERE, "connection"),
    "connection_paused": Remedy(HERE, "connection"),
    "workspace_paused": Remedy(HERE, "workspace"),
    "no_permission": Remedy(CRM, "preflight"),
    "scope_lacking": Remedy(HERE, "connection"),
    "partly_writable": Remedy(CRM, "preflight"),
    "tags_not_writable": Remedy(CRM, "preflight"),
    "tag_unusable": Remedy(HERE, "tags"),
    "drift_open": Remedy(HERE, "drift"),
    "definitions_old": Remedy(HERE, "connection"),
    "quota_low": Remedy(CRM, "quota"),
}
# The places, as addresses below the workspace's own.
PAGES: Mapping[str, str] = {
    "mapping": "mappings/{mapping}",
    "row": "mappings/{mapping}/rows/{row}",
    "connection": "connections/{connection}",
    "preflight": "connections/{connection}/preflight",
    "drift": "connections/{connection}/drift",
    "quota": "connections/{connection}/quota",
    "campaigns": "campaigns",
    "survey": "campaigns/{campaign}/survey",
    "audience": "campaigns/{campaign}/audience",
    "tags": "settings/tags",
    "workspace": "settings",
}
# Where a place cannot be named: a mapping that is not saved has no page, an unknown campaign none.
_INSTEAD: Mapping[str, str] = {
    "row": "mapping",
    "mapping": "mappings",
    "survey": "campaigns",
    "audience": "campaigns",
}


def page_of(where: str, ids: Mapping[str, int | None]) -> str:
    """The page of a place, as far as the ids at hand can name it."""
    pattern = PAGES.get(where, where)
    try:
        return pattern.format(**{name: one for name, one in ids.items() if one is not None})
    except KeyError:
        return page_of(_INSTEAD.get(where, where), ids)
