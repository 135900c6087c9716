"""The pages: what each asks. A page's address names its workspace: /w/<space>/..."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connector.access.rules import Door, Right, Rule

_SPACE = "/w/<key:space>"
_MAPPING = f"{_SPACE}/mappings/<id:mapping_id>"
_AUTOMATION = f"{_SPACE}/automations/<id:automation_id>"
_ROW = f"{_MAPPING}/rows/<id:place>"
_MEMBER = f"{_SPACE}/people/<id:member_id>"
_SETTINGS = f"{_SPACE}/settings"
_SOURCE = f"{_SETTINGS}/sources/<id:source_id>"
_WEBHOOK = f"{_SETTINGS}/webhooks/<id:webhook_id>"
_WEBHOOK_MESSAGE = f"{_SETTINGS}/webhook-messages/<id:message_id>"
_INVITATION = f"{_SPACE}/people/invitations/<id:invitation_id>"
_CHANNEL = f"{_SETTINGS}/alerts/channels/<id:channel_id>"
_FIELDS = f"{_SPACE}/fields/<id:connection_id>"
_CAMPAIGN = f"{_SPACE}/campaigns/<id:campaign_id>"
_CONTACT = f"{_SPACE}/contacts/<id:contact_id>"
_FORM = f"{_SPACE}/forms/<id:form_id>"
_RESPONSE = f"{_SPACE}/responses/<id:response_id>"


def _open(reason: str) -> Rule:
    return Rule(None, reason=reason, door=Door.OPEN)


def _own(audited: str | None, reason: str) -> Rule:
    """For whoever is signed in, about themselves."""
    return Rule(None, None, audited, reason, Door.PERSON)


def _shows(right: Right = Right.READ) -> Rule:
    return Rule(right, door=Door.MEMBER)


def _does(audited: str, right: Right = Right.SETTINGS) -> Rule:
    return Rule(right, None, audited, door=Door.MEMBER)


def _people(audited: str | None = None) -> Rule:
    return Rule(Right.PEOPLE, None, audited, door=Door.MEMBER)


_SELF = "one's own account"

PAGES: Mapping[tuple[str, str], Rule] = MappingProxyType(
    {
        ("GET", "/"): _open("leads to the sign-in, or to one's own workspace"),
        ("GET", "/sign-in"): _open("where people sign in"),
        ("POST", "/sign-in"): _open("the password authenticates; failures are counted"),
        ("GET", "/sign-in/code"): _open("the session that waits for the code authenticates"),
        ("POST", "/sign-in/code"): _open("the code authenticates; failures are counted"),
        ("GET", "/invitation/<key:token>"): _open("the one-use token authenticates"),
        ("POST", "/invitation/<key:token>"): _open("the one-use token authenticates"),
        ("GET", "/sign-in/provider"): _open("leads to the operator's provider"),
        ("GET", "/sign-in/provider/back"): _open("the one-use state and the browser authenticate"),
        ("GET", "/password"): _open("whoever has forgotten theirs cannot sign in"),
        ("POST", "/password"): _open("the answer tells nothing; asking is counted"),
        ("GET", "/password/<key:token>"): _open("the one-use token authenticates"),
        ("POST", "/password/<key:token>"): _open("the one-use token authenticates"),
        ("POST", "/sign-out"): _open("ends the session that asks, if there is one"),
        ("POST", "/preferences"): _open("a browser's own language and colours"),
        ("GET", "/account"): _own(None, _SELF),
        ("POST", "/account/password"): _own("person.password_changed", _SELF),
        ("GET", "/account/codes"): _own(None, _SELF),
        ("POST", "/account/codes"): _own("person.codes_begun", _SELF),
        ("POST", "/account/codes/confirm"): _own("person.codes_on", _SELF),
        ("POST", "/account/codes/remove"): _own("person.codes_off", _SELF),
        ("POST", "/account/sessions/end"): _own("person.sessions_ended", _SELF),
        ("GET", f"{_SPACE}/"): _shows(),
        ("POST", f"{_SPACE}/tour"): Rule(
            Right.READ, None, None, reason="where one is in the tour of the pages", door=Door.MEMBER
        ),
        ("GET", f"{_SPACE}/people"): _people(),
        ("GET", f"{_SPACE}/people/invite"): _people(),
        ("POST", f"{_SPACE}/people/invite"): _people("member.invited"),
        ("POST", f"{_INVITATION}/resend"): _people("member.invited_again"),
        ("POST", f"{_INVITATION}/withdraw"): _people("member.invitation_withdrawn"),
        ("GET", _MEMBER): _people(),
        ("POST", _MEMBER): _people("member.changed"),
        ("POST", f"{_MEMBER}/sessions"): _people("member.sessions_ended"),
        ("POST", f"{_MEMBER}/remove"): _people("member.removed"),
        ("GET", f"{_SPACE}/fields"): _shows(),
        ("GET", f"{_FIELDS}"): _shows(),
        ("GET", f"{_FIELDS}/csv"): _shows(),
        ("GET", f"{_FIELDS}/compare"): _shows(),
        ("POST", f"{_FIELDS}/download"): _does("connection.fields_downloaded"),
        ("GET", f"{_SPACE}/apps"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/apps/<key:app>"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/apps/<key:app>"): _does("connection.created"),
        ("GET", f"{_SPACE}/connections/<id:connection_id>"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/connections/<id:connection_id>"): _does("connection.changed"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/authorize"): _does(
            "connection.authorizing"
        ),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/probe"): _does("connection.probed"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/pause"): _does("connection.paused"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/resume"): _does("connection.unpaused"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/disconnect"): _does(
            "connection.disconnected"
        ),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/remove"): _does("connection.removed"),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/fields"): _does(
            "connection.fields_downloaded"
        ),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/standard"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/standard"): _does(
            "connection.standard_changed"
        ),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/preflight"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/quota"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/drift"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/quota"): _does("connection.quota_asked"),
        ("GET", f"{_SPACE}/deliveries"): _shows(),
        ("GET", f"{_SPACE}/deliveries/<id:delivery_id>"): _shows(),
        ("POST", f"{_SPACE}/deliveries/<id:delivery_id>/replay"): _does(
            "delivery.replayed", Right.WORK
        ),
        ("GET", f"{_SPACE}/deliveries/replay"): _shows(Right.WORK),
        ("POST", f"{_SPACE}/deliveries/replay"): _does("deliveries.replayed", Right.WORK),
        ("GET", f"{_SPACE}/campaigns"): _shows(),
        ("GET", _CAMPAIGN): _shows(),
        ("GET", f"{_CAMPAIGN}/survey"): _shows(),
        ("GET", f"{_CAMPAIGN}/survey/<id:place>"): _shows(Right.WORK),
        ("POST", f"{_CAMPAIGN}/survey/<id:place>"): _does("survey.saved", Right.WORK),
        ("GET", f"{_CAMPAIGN}/audience"): _shows(),
        ("POST", f"{_CAMPAIGN}/segment"): _does("segment.saved", Right.WORK),
        ("POST", f"{_CAMPAIGN}/participation"): _does("campaign.saved", Right.WORK),
        ("GET", f"{_CAMPAIGN}/actions"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/contacts"): _shows(),
        ("GET", _CONTACT): _shows(),
        ("POST", f"{_CONTACT}/opt-out"): _does("contact.opted_out", Right.WORK),
        ("POST", f"{_CONTACT}/opt-in"): _does("contact.opted_in", Right.WORK),
        ("GET", f"{_CONTACT}/fields"): _shows(Right.WORK),
        ("POST", f"{_CONTACT}/fields"): _does("contact.fields_edited", Right.WORK),
        ("GET", f"{_SPACE}/forms"): _shows(Right.WORK),
        ("GET", f"{_SPACE}/forms/new"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/forms/new"): _does("form.saved"),
        ("GET", _FORM): _shows(Right.SETTINGS),
        ("POST", _FORM): _does("form.saved"),
        ("POST", f"{_FORM}/remove"): _does("form.deleted"),
        ("GET", f"{_FORM}/fillings"): _shows(Right.WORK),
        ("GET", f"{_CONTACT}/forms/<id:form_id>"): _shows(Right.WORK),
        ("POST", f"{_CONTACT}/forms/<id:form_id>"): _does("contact.fields_edited", Right.WORK),
        ("GET", f"{_SPACE}/connections/<id:connection_id>/extra-fields"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/connections/<id:connection_id>/extra-fields"): _does(
            "connection.extra_fields_chosen"
        ),
        ("GET", f"{_SPACE}/responses"): _shows(),
        ("GET", _RESPONSE): _shows(),
        ("GET", f"{_RESPONSE}/files/<id:file_id>"): _shows(Right.WORK),
        ("GET", f"{_FIELDS}/mapping.xlsx"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/mappings"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/mappings/new"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/mappings/new"): _does("mapping.saved"),
        ("POST", f"{_SPACE}/mappings/file"): _does("mapping.saved"),
        ("GET", _MAPPING): _shows(Right.SETTINGS),
        ("POST", _MAPPING): _does("mapping.saved"),
        ("GET", f"{_MAPPING}/fields"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/mapping.xlsx"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/mapping.yaml"): _shows(Right.SETTINGS),
        ("GET", f"{_MAPPING}/test"): _shows(Right.SETTINGS),
        ("POST", f"{_MAPPING}/test"): _does("mapping.tested"),
        ("GET", f"{_MAPPING}/versions"): _shows(Right.SETTINGS),
        ("POST", f"{_MAPPING}/versions/<id:version>/restore"): _does("mapping.saved"),
        ("POST", f"{_MAPPING}/publish"): _does("mapping.published"),
        ("POST", f"{_MAPPING}/mend"): _does("mapping.saved"),
        ("POST", f"{_MAPPING}/pause"): _does("mapping.paused"),
        ("POST", f"{_MAPPING}/resume"): _does("mapping.resumed"),
        ("GET", f"{_MAPPING}/backfill"): _shows(Right.SETTINGS),
        ("POST", f"{_MAPPING}/backfill"): _does("backfill.started"),
        ("POST", f"{_MAPPING}/backfill/<id:backfill_id>/stop"): _does("backfill.stopped"),
        ("POST", f"{_MAPPING}/remove"): _does("mapping.deleted"),
        ("POST", f"{_MAPPING}/rows"): _does("mapping.saved"),
        ("GET", _ROW): _shows(Right.SETTINGS),
        ("POST", _ROW): _does("mapping.saved"),
        ("GET", f"{_ROW}/preview"): _shows(Right.SETTINGS),
        ("POST", f"{_ROW}/remove"): _does("mapping.saved"),
        ("GET", _SETTINGS): _shows(Right.SETTINGS),
        ("POST", _SETTINGS): _does("workspace.changed"),
        ("POST", f"{_SETTINGS}/pause"): _does("workspace.paused"),
        ("POST", f"{_SETTINGS}/resume"): _does("workspace.resumed"),
        ("GET", f"{_SETTINGS}/keys"): _shows(Right.SETTINGS),
        ("POST", f"{_SETTINGS}/keys"): _does("key.created"),
        ("POST", f"{_SETTINGS}/keys/<id:key_id>/revoke"): _does("key.revoked"),
        ("POST", f"{_SETTINGS}/grants/<id:grant_id>/revoke"): _does("grant.revoked"),
        ("GET", f"{_SETTINGS}/webhooks"): _shows(Right.SETTINGS),
        ("POST", f"{_SETTINGS}/webhooks"): _does("webhook.created"),
        ("GET", _WEBHOOK): _shows(Right.SETTINGS),
        ("POST", _WEBHOOK): _does("webhook.changed"),
        ("POST", f"{_WEBHOOK}/rotate"): _does("webhook.rotated"),
        ("POST", f"{_WEBHOOK}/pause"): _does("webhook.paused"),
        ("POST", f"{_WEBHOOK}/resume"): _does("webhook.resumed"),
        ("POST", f"{_WEBHOOK}/test"): _does("webhook.tested"),
        ("POST", f"{_WEBHOOK}/remove"): _does("webhook.removed"),
        ("GET", _WEBHOOK_MESSAGE): _shows(Right.SETTINGS),
        ("POST", f"{_WEBHOOK_MESSAGE}/resend"): _does("webhook.resent"),
        ("GET", f"{_SETTINGS}/tags"): _shows(Right.SETTINGS),
        ("POST", f"{_SETTINGS}/tags"): _does("workspace.changed"),
        ("GET", f"{_SETTINGS}/sources"): _shows(Right.SETTINGS),
        ("GET", f"{_SETTINGS}/sources/new"): _shows(Right.SETTINGS),
        ("POST", f"{_SETTINGS}/sources/new"): _does("source.created"),
        ("GET", _SOURCE): _shows(Right.SETTINGS),
        ("POST", _SOURCE): _does("source.changed"),
        ("POST", f"{_SOURCE}/rotate"): _does("source.rotated"),
        ("POST", f"{_SOURCE}/test"): _does("source.tested"),
        ("POST", f"{_SOURCE}/notices/retry"): _does("source.notices_retried"),
        ("POST", f"{_SOURCE}/pause"): _does("source.paused"),
        ("POST", f"{_SOURCE}/resume"): _does("source.resumed"),
        ("POST", f"{_SOURCE}/emptied"): _does("source.emptied"),
        ("POST", f"{_SOURCE}/surveys"): _does("source.surveys_asked"),
        ("POST", f"{_SOURCE}/delete"): _does("source.deleted"),
        ("GET", f"{_SETTINGS}/alerts"): _shows(Right.SETTINGS),
        ("POST", f"{_SETTINGS}/alerts"): _does("workspace.changed"),
        ("POST", f"{_SETTINGS}/alerts/quiet"): _does("workspace.changed"),
        ("POST", f"{_SETTINGS}/alerts/channels"): _does("alert_channel.saved"),
        ("POST", f"{_CHANNEL}/test"): _does("alert_channel.tested"),
        ("POST", f"{_CHANNEL}/remove"): _does("alert_channel.removed"),
        ("GET", f"{_SETTINGS}/audit"): _shows(Right.SETTINGS),
        ("GET", f"{_SETTINGS}/audit/csv"): _shows(Right.SETTINGS),
        ("GET", f"{_SPACE}/automations"): _shows(),
        ("GET", f"{_SPACE}/automations/new"): _shows(Right.SETTINGS),
        ("POST", f"{_SPACE}/automations/new"): _does("automation.saved"),
        ("POST", f"{_SPACE}/automations/form"): Rule(
            Right.SETTINGS, None, None, reason="it changes nothing", door=Door.MEMBER
        ),
        ("GET", _AUTOMATION): _shows(Right.SETTINGS),
        ("POST", _AUTOMATION): _does("automation.saved"),
        ("POST", f"{_AUTOMATION}/publish"): _does("automation.published"),
        ("POST", f"{_AUTOMATION}/switch"): _does("automation.switched"),
        ("POST", f"{_AUTOMATION}/move"): _does("automation.ordered"),
        ("POST", f"{_AUTOMATION}/remove"): _does("automation.deleted"),
        ("GET", f"{_AUTOMATION}/versions"): _shows(Right.SETTINGS),
        ("POST", f"{_AUTOMATION}/versions/<id:version>/restore"): _does("automation.saved"),
    }
)
