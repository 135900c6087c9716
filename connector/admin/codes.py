"""What each stable word of an error means, in a sentence: docs/errors.md has more of each.

A delivery keeps the word and an English sentence beside it, which the API tells. The pages say this
in the reader's language. A word that docs/errors.md explains and that lacks its sentence here fails
a test.
"""

from __future__ import annotations

import re

from connector.admin.language import gettext, marked

# A status that has no nearer word: `crm_418`.
_STATUS = re.compile(r"crm_(\d{3})")

# --- a value or a record was refused --------------------------------------------------------------

_VALUES = {
    "type not_writable type_unsupported": marked(
        "The value is of another kind than the field takes."
    ),
    "too_long too_many_digits too_many_decimals": marked("The value is longer than the field."),
    "not_an_email": marked("The text is no e-mail address."),
    "not_a_url": marked("The text is no web address."),
    "not_a_date": marked("The text is no date."),
    "not_a_number not_exact": marked("The text is no number that the field can hold."),
    "not_whole": marked("The field takes whole numbers alone."),
    "not_true_or_false": marked("The text is neither true nor false."),
    "several_values": marked("The field holds one value, the answer has several."),
    "lead_field": marked("The person is a lead, which has no field of this name."),
    "option_not_offered": marked("Records of this type do not offer the option."),
    "unknown_option": marked("The field has no such option."),
    "read_only": marked("The CRM does not let the field be written."),
    "required": marked("A field that the record needs is empty."),
    "match_missing": marked("The response does not say whom it is about."),
    "unknown_field": marked("The CRM has no such field any more."),
    "transform_failed": marked("A transformation does not fit this value."),
    "invalid_value unfit invalid_format": marked("The CRM refuses the value."),
    "out_of_range": marked("The number does not fit into the field."),
    "integrity": marked("The values do not fit together, or a needed one is missing."),
    "lookup_filter": marked("A filter on the field does not let this record be referred to."),
    "invalid_reference": marked("The record that is referred to is not there."),
    "duplicate duplicate_value": marked("Another record has this unique value already."),
    "not_found": marked("The CRM has no such record (any more)."),
    "ambiguous": marked("Several records of the CRM match."),
    "exists": marked("The CRM has this record already, and the mapping only creates."),
    "ticket_closed": marked("The ticket is closed, and a closed ticket takes no change."),
    "no_access": marked("The user who connected may not write this record."),
    "record_locked": marked("The record is locked in the CRM."),
    "lead_converted": marked("The lead has become a contact and cannot be changed any more."),
    "inactive_owner": marked("The owner of the record may not use the CRM any more."),
    "person_account": marked(
        "The contact is a person account: this connection does not write those."
    ),
    "person_account_field": marked("The contact is a person account, which has no such field."),
    "validation_rule": marked("A rule that your CRM's admins have made refuses the record."),
    "automation_failed": marked("A trigger or flow of the CRM refuses the record."),
    "tag_refused": marked("The account keeps the tag in no spelling."),
    "refused": marked("The CRM refused the record and gave no reason that we know."),
    "before_unknown": marked(
        "A process died while writing this field: what stood there before is not known."
    ),
    "not_retractable": marked("This app removes no notes or files: it has to be done there."),
}

# --- messages and files ---------------------------------------------------------------------------

_MESSAGES = {
    "message_refused": marked("The message was not taken."),
    "invitation_refused": marked(
        "The review site does not take the invitation of this respondent."
    ),
    "address_refused": marked("None of the addresses is taken."),
    "sender_refused": marked("We may not send as this address."),
    "some_addresses_refused": marked("Some of the addresses are not taken; the others have it."),
    "process_died": marked("A process died while it was sending."),
}
_FILES = {
    "file_gone": marked("The file is not there any more."),
    "file_forbidden": marked("The survey platform does not hand the file out."),
    "file_refused": marked("The file was refused."),
    "file_redirected": marked("The file's address points elsewhere, which is not followed."),
    "file_host_failed": marked("The server that has the file could not be reached."),
    "url_invalid url_not_https": marked("The address is no plain https address."),
    "host_not_allowed address_not_open": marked("The address leads where we may not call."),
    "file_too_large files_too_large": marked("It is larger than is taken here."),
    "too_many_files": marked("There are more files than are taken here."),
    "file_empty": marked("The file is empty."),
    "file_type_refused": marked("The file's content is of no type that is taken here."),
    "file_too_large_for_crm": marked("The file is larger than this CRM takes."),
    "file_failed": marked("The file could not be had."),
    "file_removed": marked("The file's time here is over."),
    "file_pending": marked("The file is still being fetched."),
}

# --- the call failed, and is tried again ----------------------------------------------------------

_CALLS = {
    "crm_throttled": marked("The CRM asks us to wait."),
    "daily_limit": marked("The account's calls of the day are used up."),
    "concurrent_limit": marked("The CRM works on too many long calls at once."),
    "crm_migrating": marked("The CRM is moving the account."),
    "quota_reserved": marked("What is left of the account's day is kept for your other tools."),
    "connect_failed host_unknown": marked("The other side could not be reached."),
    "tls_failed": marked("The certificate of the other side cannot be verified."),
    "crm_unavailable crm_failed": marked("The CRM does not work just now."),
    "crm_busy database_busy": marked("The CRM is busy just now."),
    "crm_locked row_locked conflict": marked("Somebody else was changing the record."),
    "outcome_unknown answer_unreadable unreadable_answer body_too_large no_outcome": marked(
        "No answer came that can be trusted: it is looked up before anything is sent again."
    ),
    "job_lost job_failed job_rows_differ job_row_lost": marked(
        "The CRM's bulk job did not tell what became of this record: it is looked up."
    ),
    "read_unanswered": marked("The CRM's answer to a question was lost: it is asked again."),
    "record_throttled": marked("The CRM takes only so many updates of one record in a minute."),
    "job_running": marked("The CRM still works on a bulk job that may hold it."),
    "read_incomplete rolled_back crm_retry not_sent": marked(
        "This record was not done, through no fault of its own."
    ),
    "duplicate_rule": marked(
        "A duplicate rule of the CRM asks: the record is sent once more alone."
    ),
    "changed": marked("The record was changed since we read it: it is read and compared again."),
    "moved": marked("The record was merged or converted: the one that is left is written."),
    "link_lost": marked("The linked record is gone: the contact is looked for again."),
    "handed_back queued": marked("It was our turn to hold back: nothing was sent."),
    "refresh_busy refresh_cooling_down reconnected token_expired token_endpoint_busy "
    "token_endpoint_failed token_answer_unreadable": marked(
        "The access to the CRM is being renewed, or could not be at the moment."
    ),
    "batch_refused": marked(
        "The whole batch was refused; it is split until the bad record is found."
    ),
    "unchanged": marked("The CRM held it already."),
    "receiver_busy": marked("The receiver asked to wait."),
    "receiver_failed": marked("The receiver answered with an error of its own."),
    "receiver_refused": marked("The receiver did not take the message: its log says why."),
    "receiver_gone": marked("The receiver says that it is gone for good."),
    "internal no_way_out no_records": marked(
        "A bug of ours: the log of this installation says more."
    ),
    "crashes": marked("A process died three times while it worked on it."),
}

# --- a person must look ---------------------------------------------------------------------------

_PEOPLE = {
    "schema_drift field_gone not_there": marked(
        "A field or object is gone from the CRM, or hidden."
    ),
    "entity_unknown": marked("The CRM has no such object any more."),
    "not_identifying": marked("Records cannot be found by that field any more."),
    "subscription_address": marked(
        "The CRM told no address of that subscription: nothing was ended."
    ),
    "statement_refused": marked("The database refused a statement."),
    "too_many_records": marked("More records were found by one value than can be meant."),
    "missing_scope scope_missing forbidden": marked("The connected user lacks a permission."),
    "api_disabled": marked("The CRM's API is not enabled for this user or this edition."),
    "no_sender_address": marked(
        "The connected user needs an e-mail address of its own in the CRM."
    ),
    "database_unknown": marked("The server has no database of that name."),
    "tags_disabled": marked("Tags on users are switched off in the CRM."),
    "tag_option_missing": marked("The tag is not among the options of its field any more."),
    "contact_not_there": marked("It waits for its contact, which the CRM does not have yet."),
    "nothing_to_grant": marked("Access was to be given to fields that are not there."),
    "tag_field_missing tag_field_taken tag_field_unusable": marked(
        "The field for tags is missing, or is another kind of field."
    ),
    "account_held": marked("Another connection changes this account's definitions just now."),
    "key_field_taken": marked("The field that should keep our records unique is not unique."),
    "notes_not_possible": marked("Notes cannot be attached to that kind of record."),
    "reconnect_needed token_refused": marked("The CRM has ended the access: connect again."),
    "not_an_agent": marked("The user who connected may not do this there."),
    "host_refused": marked("A call would have left the CRM's own address: it was not made."),
    "api_version_retired": marked("The CRM has retired the version of its API that we speak."),
    "request_too_long": marked("The request was too long for the CRM."),
    "bad_request no_such_endpoint broken_contract": marked(
        "We and the CRM do not understand each other."
    ),
    "adapter_error": marked("The CRM failed in a way that has no nearer name."),
}

# --- responses that are fetched -------------------------------------------------------------------

_FETCHED = {
    "source_incomplete": marked("The source has no token."),
    "source_forbidden": marked("The platform refuses the source's token, or the right to read."),
    "source_unknown": marked("The platform does not know the response or the survey (yet)."),
    "source_throttled": marked("The platform asks to be called less often."),
    "source_failed": marked("The platform answered with an error."),
    "source_suspicious": marked("Most of the responses are gone at once: none is taken back."),
    "source_unreadable": marked("The platform's answer is of another shape than we know."),
    "source_too_large": marked("The platform's answer is larger than we read."),
    "connection_unavailable": marked(
        "The connection that answers are asked for at needs a person."
    ),
    "source_deleted": marked("The source is not there any more."),
    "response_invalid": marked("What the platform answered is no valid response."),
}

SENTENCES = {
    word: sentence
    for table in (_VALUES, _MESSAGES, _FILES, _CALLS, _PEOPLE, _FETCHED)
    for several, sentence in table.items()
    for word in several.split()
}


def sentence(code: str | None) -> str:
    """What the word means, in the reader's language; "" for a word that nobody has explained."""
    if told := SENTENCES.get(code or ""):
        return gettext(told)
    if status := _STATUS.fullmatch(code or ""):
        return gettext("The CRM answered with the status %(status)s.", status=status[1])
    return ""
