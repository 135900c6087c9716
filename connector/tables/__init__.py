"""Every table of the store, one file per story; import the tables from here.

Each table carries `workspace_id`; row-level security and composite foreign keys (workspace_id, id)
keep rows of one workspace from ever pointing into another.
"""

from __future__ import annotations

from connector.tables.alerts import alert, alert_channel, alert_notice
from connector.tables.audits import audit
from connector.tables.base import metadata
from connector.tables.campaigns import (
    campaign,
    distribution,
    question,
    question_option,
    segment,
    survey,
    survey_version,
)
from connector.tables.connections import (
    account_hold,
    card,
    connection,
    credential,
    data_key,
    entity_snapshot,
    oauth_client,
    oauth_state,
)
from connector.tables.contacts import contact, contact_word, link
from connector.tables.deliveries import (
    attempt,
    delivery,
    ledger,
    score_tag,
    step_key,
    tag_provision,
    target_clock,
)
from connector.tables.edits import edit, input_form
from connector.tables.files import answer_file, file_content
from connector.tables.mappings import (
    automation,
    automation_version,
    backfill,
    mapping,
    mapping_version,
)
from connector.tables.persons import (
    member_invitation,
    password_reset,
    person,
    recovery_code,
    sign_in_hold,
    sign_in_round,
    web_session,
)
from connector.tables.quotas import account_usage, connection_pace, drift, drift_check
from connector.tables.responses import (
    hook_message,
    hook_notice,
    hook_source,
    response,
    response_key,
    retention_run,
)
from connector.tables.webhooks import webhook, webhook_attempt, webhook_message
from connector.tables.workspaces import api_key, partner_grant, user_account, workspace

__all__ = [
    "account_hold",
    "account_usage",
    "alert",
    "alert_channel",
    "alert_notice",
    "answer_file",
    "api_key",
    "attempt",
    "audit",
    "automation",
    "automation_version",
    "backfill",
    "campaign",
    "card",
    "connection",
    "connection_pace",
    "contact",
    "contact_word",
    "credential",
    "data_key",
    "delivery",
    "distribution",
    "drift",
    "drift_check",
    "edit",
    "entity_snapshot",
    "file_content",
    "hook_message",
    "hook_notice",
    "hook_source",
    "input_form",
    "ledger",
    "link",
    "mapping",
    "mapping_version",
    "member_invitation",
    "metadata",
    "oauth_client",
    "oauth_state",
    "partner_grant",
    "password_reset",
    "person",
    "question",
    "question_option",
    "recovery_code",
    "response",
    "response_key",
    "retention_run",
    "score_tag",
    "segment",
    "sign_in_hold",
    "sign_in_round",
    "step_key",
    "survey",
    "survey_version",
    "tag_provision",
    "target_clock",
    "user_account",
    "web_session",
    "webhook",
    "webhook_attempt",
    "webhook_message",
    "workspace",
]
