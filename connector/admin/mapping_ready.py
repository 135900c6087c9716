"""A mapping's readiness in words for people, its one-click fixes, and publishing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from connector.admin.causes import ADMIN, CRM_ADMIN
from connector.admin.language import gettext, marked
from connector.admin.mappings import ONE, saved
from connector.admin.page import address, field, go, page, tell
from connector.api.context import changing, member
from connector.problems import Code, Refusal
from connector.responses.configuration import drafting, editing, mappings
from connector.responses.configuration.readiness import Finding

# What each rule says; the finding's own text names variable, field and values.
RULES = {
    "nothing_mapped": marked("No row says what is written where"),
    "unknown_variable": marked("There is no such variable"),
    "unknown_field": marked("The CRM has no such field"),
    "read_only": marked("The CRM does not let this field be written"),
    "type_unfit": marked("The variable does not fit the field's type"),
    "transform_invalid": marked("A step cannot work as it is"),
    "default_unfit": marked("The default does not fit the field"),
    "option_not_offered": marked("Some kinds of records do not offer every option"),
    "option_uncovered": marked("Some answers have no option in the CRM"),
    "too_long": marked("Some answers are longer than the field"),
    "may_be_too_long": marked("Texts may be longer than the field"),
    "value_unfit": marked("Some answers do not fit the field"),
    "tag_field_taken": marked("Score tags stand in this field"),
    "required_may_lack": marked("A field that new records need may stay empty"),
    "required_uncovered": marked("A field that new records need is not filled"),
    "operation_unsupported": marked("This app cannot do that with its records"),
    "not_identifying": marked("The field that records are found by is not unique"),
    "unchecked_variable": marked("Nothing has named this variable yet"),
    "question_not_asked": marked("The campaign's survey does not ask this"),
    "campaign_unknown": marked("The campaign is not known yet"),
    "segment_missing": marked("The campaign has no segment"),
    "segment_lacks": marked("The campaign's segment lacks an attribute"),
    "participation_unset": marked("Nobody has said how often a person answers"),
    "answers_again": marked("A person may answer again, and only the first answer is written"),
    "flag_unknown": marked("No campaign or question raises this"),
    "property_unknown": marked("The campaign does not have this property"),
    "not_connected": marked("The connection is not connected"),
    "connection_paused": marked("The connection is paused"),
    "workspace_paused": marked("The workspace is paused"),
    "no_permission": marked("A permission is missing in the CRM"),
    "scope_lacking": marked("The connection was not granted what such records need"),
    "partly_writable": marked("The field can be written only when a record is made, or only later"),
    "tags_not_writable": marked("Score tags may not be written in the CRM"),
    "tag_unusable": marked("A score tag of this campaign cannot be written in the CRM"),
    "drift_open": marked("The CRM has changed"),
    "definitions_old": marked("The field definitions are old"),
    "quota_low": marked("The CRM's account has few calls left"),
}
WHO = {
    "admin": ADMIN,
    "crm_admin": CRM_ADMIN,
    "survey_owner": marked("Whoever keeps the campaign and its survey"),
}
WHERE = {
    "mapping": marked("The mapping"),
    "row": marked("The row"),
    "connection": marked("The connection"),
    "preflight": marked("Permissions"),
    "drift": marked("What has changed"),
    "quota": marked("Calls left"),
    "campaigns": marked("Campaigns"),
    "survey": marked("The survey's questions"),
    "audience": marked("Segment, properties and flags"),
    "tags": marked("Score tags"),
    "workspace": marked("Workspace"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """A finding in the reader's language; `place`: the word for where it is mended, on `href`."""

    finding: Finding
    rule: str
    who: str
    place: str
    href: str


@page.app_template_filter("in_words")
def in_words(findings: Iterable[Finding]) -> list[Told]:
    """The findings as a page shows them."""
    space = address("pages.mapping_list").removesuffix("mappings")
    return [
        Told(
            finding=one,
            rule=gettext(RULES[one.code]),
            who=gettext(WHO[one.who]),
            place=gettext(WHERE[one.where]),
            href=f"{space}{one.page}",
        )
        for one in findings
    ]


@page.post(f"{ONE}/mend")
def mend_mapping(mapping_id: int) -> AnyResponse:
    """Mend one finding in the draft"""
    changing(
        lambda store: editing.mend(
            store, member().workspace_id, mapping_id, pointer=field("pointer"), code=field("code"),
            seen=field("mark"), actor=member().name,
        ),
        saved,
    )  # fmt: skip
    words = gettext("Mended in the draft. Look at the row, then publish.")
    return tell(go("pages.mapping", mapping_id=mapping_id), words)


@page.post(f"{ONE}/publish")
def publish_mapping(mapping_id: int) -> AnyResponse:
    """Let the draft work; what it is warned of must be ticked"""
    workspace_id = member().workspace_id

    def story(store: Connection) -> dict[str, Any]:
        body = mappings.read(store, workspace_id, mapping_id)["body"]
        if drafting.mark(body) != field("mark"):
            raise Refusal(Code.CONFLICT, editing.CHANGED)
        return mappings.publish(
            store, workspace_id, mapping_id, actor=member().name, switch_on=field("act") == "on",
            accept_warnings=bool(field("accept")),
        )  # fmt: skip

    row = changing(story, saved)
    words = (
        gettext("Published. It works from the next response on.")
        if row["triggered_by"]
        else gettext("Published. Nothing feeds it yet: switch it on, or make an automation.")
    )
    return tell(go("pages.mapping", mapping_id=mapping_id), words)
