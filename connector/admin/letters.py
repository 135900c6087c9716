"""The words of the hub's own letters, each in its reader's language."""

from __future__ import annotations

from connector.accounts.letters import INVITATION, Letter
from connector.admin.language import LANGUAGES, catalogue, marked

TITLES = {
    True: marked("You are invited to %(workspace)s in Answerback"),
    False: marked("A new password for Answerback"),
}
TEXTS = {
    True: marked(
        "%(inviter)s invites you to the workspace %(workspace)s in Answerback.\n\n"
        "Open this link within seven days; it serves once:\n\n%(link)s\n\n"
        "If you do not know what this is about, do nothing."
    ),
    False: marked(
        "Somebody asks for a new password for this address.\n\n"
        "If it was you, open this link within an hour; it serves once:\n\n%(link)s\n\n"
        "If it was not, do nothing: your password stays."
    ),
}
SOMEBODY = marked("Somebody")
MOST_NAME = 80


def composed(letter: Letter, *, public_url: str) -> tuple[str, str]:
    """The title and the text of a letter."""
    say = catalogue(letter.language if letter.language in LANGUAGES else "en").gettext
    is_invitation = letter.kind == INVITATION
    # What people call things is theirs: on one line, and not so long that it hides the rest.
    said = {name: " ".join(text.split())[:MOST_NAME] for name, text in letter.said.items()}
    values = {
        **said,
        "inviter": said.get("inviter") or str(say(SOMEBODY)),
        "link": f"{public_url}{letter.path}",
    }
    return str(say(TITLES[is_invitation])) % values, str(say(TEXTS[is_invitation])) % values
