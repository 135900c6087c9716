"""The routes of the API and of machines: what each asks."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from connector.access.rules import Door, Right, Rule, Scope


def _reads(scope: Scope, right: Right = Right.READ) -> Rule:
    return Rule(right, scope)


def _settings(audited: str) -> Rule:
    return Rule(Right.SETTINGS, Scope.SETTINGS_WRITE, audited)


def _people(audited: str) -> Rule:
    return Rule(Right.PEOPLE, Scope.PEOPLE_WRITE, audited, own=True)


def _own(audited: str) -> Rule:
    return Rule(Right.SETTINGS, Scope.SETTINGS_WRITE, audited, own=True)


def _open(reason: str) -> Rule:
    return Rule(None, reason=reason, door=Door.OPEN)


_UNAUDITED = (
    "its own rows tell who pushed what, and one entry a push would make a chain of every push"
)
_V1 = "/api/v1"
_WEBHOOK = f"{_V1}/webhooks/<id:webhook_id>"
_WEBHOOK_MESSAGE = f"{_V1}/webhook-messages/<id:message_id>"

API: Mapping[tuple[str, str], Rule] = MappingProxyType(
    {
        ("GET", "/health"): _open("says only that the process runs"),
        ("GET", "/ready"): _open("says only whether the store answers"),
        ("GET", "/metrics"): _open("the operator's token, or this machine, is asked for inside"),
        ("GET", "/static/<path:filename>"): _open("the pages' own files"),
        ("GET", "/api/docs"): _open("the description of the API is public"),
        ("GET", "/api/openapi.json"): _open("the description of the API is public"),
        ("GET", "/hooks/<source>/<token>"): _open("platforms ask whether the address exists"),
        ("POST", "/hooks/<source>/<token>"): _open("the signature over the raw body authenticates"),
        ("POST", "/cards/<app>/<token>"): _open("the CRM's signature authenticates"),
        ("POST", "/events/<app>/<key:client>"): _open("the CRM's signature authenticates"),
        ("GET", "/go/<id:workspace_id>/<key:source>/<key:token>/<whole:response>"): _open(
            "the token in the address proves that we made it"
        ),
        ("GET", "/files/<id:workspace_id>/<id:file_id>/<key:token>"): _open(
            "the token in the link proves that we made it"
        ),
        ("GET", "/oauth/callback/<app>"): _open("the one-use state authenticates"),
        ("GET", f"{_V1}/workspace"): _reads(Scope.SETTINGS_READ),
        ("PATCH", f"{_V1}/workspace"): _settings("workspace.changed"),
        ("POST", f"{_V1}/workspace/pause"): _settings("workspace.paused"),
        ("POST", f"{_V1}/workspace/resume"): _settings("workspace.resumed"),
        ("GET", f"{_V1}/keys"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_V1}/keys"): _own("key.created"),
        ("DELETE", f"{_V1}/keys/<id:key_id>"): _own("key.revoked"),
        ("GET", f"{_V1}/members"): _reads(Scope.PEOPLE_READ, Right.PEOPLE),
        ("GET", f"{_V1}/members/invitations"): _reads(Scope.PEOPLE_READ, Right.PEOPLE),
        ("POST", f"{_V1}/members/invitations"): _people("member.invited"),
        ("POST", f"{_V1}/members/invitations/<id:invitation_id>/resend"): _people(
            "member.invited_again"
        ),
        ("DELETE", f"{_V1}/members/invitations/<id:invitation_id>"): _people(
            "member.invitation_withdrawn"
        ),
        ("GET", f"{_V1}/members/<id:member_id>"): _reads(Scope.PEOPLE_READ, Right.PEOPLE),
        ("PATCH", f"{_V1}/members/<id:member_id>"): _people("member.changed"),
        ("POST", f"{_V1}/members/<id:member_id>/sessions/end"): _people("member.sessions_ended"),
        ("DELETE", f"{_V1}/members/<id:member_id>"): _people("member.removed"),
        ("GET", f"{_V1}/workspaces"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/grants"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_V1}/grants"): _own("grant.created"),
        ("DELETE", f"{_V1}/grants/<id:grant_id>"): _own("grant.revoked"),
        ("GET", f"{_V1}/apps"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/apps/<key:app>"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/oauth-clients"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("PUT", f"{_V1}/oauth-clients/<key:app>"): _settings("oauth_client.saved"),
        ("DELETE", f"{_V1}/oauth-clients/<key:app>"): _settings("oauth_client.removed"),
        ("GET", f"{_V1}/connections"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_V1}/connections"): _settings("connection.created"),
        ("GET", f"{_V1}/connections/<id:connection_id>"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("PATCH", f"{_V1}/connections/<id:connection_id>"): _settings("connection.changed"),
        ("DELETE", f"{_V1}/connections/<id:connection_id>"): _settings("connection.removed"),
        ("POST", f"{_V1}/connections/<id:connection_id>/authorize"): _settings(
            "connection.authorizing"
        ),
        ("POST", f"{_V1}/connections/<id:connection_id>/probe"): _settings("connection.probed"),
        ("POST", f"{_V1}/connections/<id:connection_id>/pause"): _settings("connection.paused"),
        ("POST", f"{_V1}/connections/<id:connection_id>/resume"): _settings("connection.unpaused"),
        ("POST", f"{_V1}/connections/<id:connection_id>/disconnect"): _settings(
            "connection.disconnected"
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/standard"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/standard/mapping"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("PUT", f"{_V1}/connections/<id:connection_id>/standard"): _settings(
            "connection.standard_changed"
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/extra-fields"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("PUT", f"{_V1}/connections/<id:connection_id>/extra-fields"): _settings(
            "connection.extra_fields_chosen"
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/quota"): _reads(Scope.SETTINGS_READ),
        ("POST", f"{_V1}/connections/<id:connection_id>/quota"): _settings(
            "connection.quota_asked"
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/drift"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/connections/<id:connection_id>/drift/compare"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/connections/<id:connection_id>/entities"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/fields"): _reads(Scope.SETTINGS_READ),
        ("POST", f"{_V1}/connections/<id:connection_id>/fields"): _settings(
            "connection.fields_downloaded"
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/fields.csv"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/connections/<id:connection_id>/provisioning"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("POST", f"{_V1}/connections/<id:connection_id>/provisioning"): _settings(
            "connection.provisioned"
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/preflight"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/connections/<id:connection_id>/card"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("PUT", f"{_V1}/connections/<id:connection_id>/card"): _settings("card.saved"),
        ("DELETE", f"{_V1}/connections/<id:connection_id>/card"): _settings("card.removed"),
        ("GET", f"{_V1}/surveys"): _reads(Scope.CAMPAIGNS_READ),
        ("GET", f"{_V1}/surveys/<key:survey>"): _reads(Scope.CAMPAIGNS_READ),
        ("PUT", f"{_V1}/surveys/<key:survey>"): Rule(
            Right.WORK, Scope.CAMPAIGNS_WRITE, "survey.saved"
        ),
        ("GET", f"{_V1}/surveys/<key:survey>/versions"): _reads(Scope.CAMPAIGNS_READ),
        ("GET", f"{_V1}/segments"): _reads(Scope.CAMPAIGNS_READ),
        ("PUT", f"{_V1}/segments/<key:segment>"): Rule(
            Right.WORK, Scope.CAMPAIGNS_WRITE, "segment.saved"
        ),
        ("GET", f"{_V1}/campaigns"): _reads(Scope.CAMPAIGNS_READ),
        ("GET", f"{_V1}/campaigns/<key:campaign>"): _reads(Scope.CAMPAIGNS_READ),
        ("PUT", f"{_V1}/campaigns/<key:campaign>"): Rule(
            Right.WORK, Scope.CAMPAIGNS_WRITE, "campaign.saved"
        ),
        ("POST", f"{_V1}/campaigns/<key:campaign>/retag"): Rule(
            Right.WORK, Scope.CAMPAIGNS_WRITE, "campaign.retagged"
        ),
        ("PUT", f"{_V1}/campaigns/<key:campaign>/distributions/<key:distribution>"): Rule(
            Right.WORK, Scope.CAMPAIGNS_WRITE, "distribution.saved"
        ),
        ("GET", f"{_V1}/contacts"): _reads(Scope.CONTACTS_READ),
        ("POST", f"{_V1}/contacts"): Rule(Right.WORK, Scope.CONTACTS_WRITE, "contacts.imported"),
        ("POST", f"{_V1}/contacts/opt-outs"): Rule(
            Right.WORK, Scope.CONTACTS_WRITE, "contacts.opted_out"
        ),
        ("GET", f"{_V1}/contacts/<id:contact_id>"): _reads(Scope.CONTACTS_READ),
        ("PUT", f"{_V1}/contacts/<id:contact_id>/opt-out"): Rule(
            Right.WORK, Scope.CONTACTS_WRITE, "contact.opted_out"
        ),
        ("DELETE", f"{_V1}/contacts/<id:contact_id>/opt-out"): Rule(
            Right.WORK, Scope.CONTACTS_WRITE, "contact.opted_in"
        ),
        ("GET", f"{_V1}/contacts/<id:contact_id>/timeline"): _reads(Scope.CONTACTS_READ),
        ("GET", f"{_V1}/contacts/<id:contact_id>/fields"): _reads(Scope.CONTACTS_READ),
        ("PATCH", f"{_V1}/contacts/<id:contact_id>/fields"): Rule(
            Right.WORK, Scope.CONTACTS_WRITE, "contact.fields_edited"
        ),
        ("GET", f"{_V1}/contacts/<id:contact_id>/forms/<id:form_id>"): _reads(Scope.CONTACTS_READ),
        ("POST", f"{_V1}/contacts/<id:contact_id>/forms/<id:form_id>"): Rule(
            Right.WORK, Scope.CONTACTS_WRITE, "contact.fields_edited"
        ),
        ("GET", f"{_V1}/input-forms"): _reads(Scope.SETTINGS_READ),
        ("POST", f"{_V1}/input-forms"): _settings("form.saved"),
        ("POST", f"{_V1}/input-forms/file"): _settings("form.saved"),
        ("GET", f"{_V1}/input-forms/<id:form_id>"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/input-forms/<id:form_id>/form.yaml"): _reads(Scope.SETTINGS_READ),
        ("PUT", f"{_V1}/input-forms/<id:form_id>"): _settings("form.saved"),
        ("DELETE", f"{_V1}/input-forms/<id:form_id>"): _settings("form.deleted"),
        ("GET", f"{_V1}/input-forms/<id:form_id>/fillings"): _reads(Scope.CONTACTS_READ),
        ("POST", f"{_V1}/responses"): Rule(
            Right.WORK,
            Scope.RESPONSES_PUSH,
            None,
            reason=_UNAUDITED,
            or_scope=Scope.RESPONSES_TEST,
        ),
        ("GET", f"{_V1}/responses/<whole:response>"): _reads(Scope.RESPONSES_READ),
        ("GET", f"{_V1}/mappings"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_V1}/mappings"): _settings("mapping.saved"),
        ("POST", f"{_V1}/mappings/check"): Rule(
            Right.SETTINGS, Scope.SETTINGS_READ, None, reason="it changes nothing"
        ),
        ("POST", f"{_V1}/mappings/file"): _settings("mapping.saved"),
        ("GET", f"{_V1}/connections/<id:connection_id>/mapping.xlsx"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/mappings/<id:mapping_id>/mapping.xlsx"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/mappings/<id:mapping_id>/mapping.yaml"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/mappings/<id:mapping_id>"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("PUT", f"{_V1}/mappings/<id:mapping_id>"): _settings("mapping.saved"),
        ("DELETE", f"{_V1}/mappings/<id:mapping_id>"): _settings("mapping.deleted"),
        ("GET", f"{_V1}/mappings/<id:mapping_id>/versions"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("GET", f"{_V1}/mappings/<id:mapping_id>/readiness"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/mend"): _settings("mapping.saved"),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/trial"): Rule(
            Right.SETTINGS, Scope.SETTINGS_READ, None, reason="it changes nothing"
        ),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/trial/send"): _settings("mapping.tested"),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/publish"): _settings("mapping.published"),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/pause"): _settings("mapping.paused"),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/resume"): _settings("mapping.resumed"),
        ("GET", f"{_V1}/mappings/<id:mapping_id>/backfills"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/backfills"): _settings("backfill.started"),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/backfills/preview"): Rule(
            Right.SETTINGS, Scope.SETTINGS_READ, None, reason="it changes nothing"
        ),
        ("POST", f"{_V1}/mappings/<id:mapping_id>/backfills/<id:backfill_id>/stop"): _settings(
            "backfill.stopped"
        ),
        ("GET", f"{_V1}/links"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/links/<whole:response>"): _reads(Scope.RESPONSES_READ),
        ("GET", f"{_V1}/automations"): _reads(Scope.SETTINGS_READ),
        ("POST", f"{_V1}/automations"): _settings("automation.saved"),
        ("PUT", f"{_V1}/automations/order"): _settings("automation.ordered"),
        ("POST", f"{_V1}/automations/matches"): Rule(
            Right.SETTINGS, Scope.SETTINGS_READ, None, reason="it changes nothing"
        ),
        ("GET", f"{_V1}/automations/<id:automation_id>"): _reads(Scope.SETTINGS_READ),
        ("GET", f"{_V1}/automations/<id:automation_id>/versions"): _reads(Scope.SETTINGS_READ),
        ("POST", f"{_V1}/automations/<id:automation_id>/switch-on"): _settings(
            "automation.switched_on"
        ),
        ("POST", f"{_V1}/automations/<id:automation_id>/switch-off"): _settings(
            "automation.switched_off"
        ),
        ("PUT", f"{_V1}/automations/<id:automation_id>"): _settings("automation.saved"),
        ("DELETE", f"{_V1}/automations/<id:automation_id>"): _settings("automation.deleted"),
        ("POST", f"{_V1}/automations/<id:automation_id>/publish"): _settings(
            "automation.published"
        ),
        ("GET", f"{_V1}/deliveries"): _reads(Scope.DELIVERIES_READ),
        ("POST", f"{_V1}/deliveries/replay"): Rule(
            Right.WORK, Scope.DELIVERIES_REPLAY, "deliveries.replayed"
        ),
        ("GET", f"{_V1}/deliveries/<id:delivery_id>"): _reads(Scope.DELIVERIES_READ),
        ("POST", f"{_V1}/deliveries/<id:delivery_id>/replay"): Rule(
            Right.WORK, Scope.DELIVERIES_REPLAY, "delivery.replayed"
        ),
        ("GET", f"{_V1}/ledger"): _reads(Scope.DELIVERIES_READ),
        ("GET", f"{_V1}/audit"): _reads(Scope.AUDIT_READ, Right.SETTINGS),
        ("GET", f"{_V1}/sources"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_V1}/sources"): _settings("source.created"),
        ("POST", f"{_V1}/sources/<id:source_id>/rotate"): _settings("source.rotated"),
        ("PATCH", f"{_V1}/sources/<id:source_id>"): _settings("source.changed"),
        ("POST", f"{_V1}/sources/<id:source_id>/test"): _settings("source.tested"),
        ("GET", f"{_V1}/sources/<id:source_id>/notices"): _reads(
            Scope.SETTINGS_READ, Right.SETTINGS
        ),
        ("POST", f"{_V1}/sources/<id:source_id>/notices/retry"): _settings("source.retried"),
        ("POST", f"{_V1}/sources/<id:source_id>/surveys"): _settings("source.surveys_asked"),
        ("POST", f"{_V1}/sources/<id:source_id>/pause"): _settings("source.paused"),
        ("POST", f"{_V1}/sources/<id:source_id>/resume"): _settings("source.resumed"),
        ("POST", f"{_V1}/sources/<id:source_id>/emptied"): _settings("source.emptied"),
        ("DELETE", f"{_V1}/sources/<id:source_id>"): _settings("source.deleted"),
        ("GET", f"{_V1}/webhooks"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_V1}/webhooks"): _settings("webhook.created"),
        ("GET", _WEBHOOK): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("PATCH", _WEBHOOK): _settings("webhook.changed"),
        ("DELETE", _WEBHOOK): _settings("webhook.removed"),
        ("POST", f"{_WEBHOOK}/rotate"): _settings("webhook.rotated"),
        ("POST", f"{_WEBHOOK}/pause"): _settings("webhook.paused"),
        ("POST", f"{_WEBHOOK}/resume"): _settings("webhook.resumed"),
        ("POST", f"{_WEBHOOK}/test"): _settings("webhook.tested"),
        ("GET", f"{_WEBHOOK}/messages"): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("GET", _WEBHOOK_MESSAGE): _reads(Scope.SETTINGS_READ, Right.SETTINGS),
        ("POST", f"{_WEBHOOK_MESSAGE}/resend"): _settings("webhook.resent"),
    }
)
