"""The operator's mail server as it is written in the settings."""

from __future__ import annotations

import pytest

from connector.settings import MailServer, SettingsError, load_settings
from schemas.secret import Secret

READ = {
    "smtp://u%40x:p%3Aw@smtp.test": ("smtp.test", 587, "starttls", "u@x", "p:w"),
    "smtp://smtp.test:2525": ("smtp.test", 2525, "starttls", "", None),
    "smtps://u:p@smtp.test": ("smtp.test", 465, "tls", "u", "p"),
    "smtp://relay:25?security=none": ("relay", 25, "none", "", None),
}
REFUSED = [
    "http://smtp.test",
    "smtp://",
    "smtp://smtp.test:notaport",
    # A password is not sent without encryption, and TLS is not taken off by a word.
    "smtp://u:p@smtp.test?security=none",
    "smtps://smtp.test?security=none",
]


@pytest.mark.parametrize("url", READ)
def test_a_mail_server_is_read(url):
    host, port, security, user, password = READ[url]
    settings = load_settings({"ANSWERBACK_SMTP_URL": url, "ANSWERBACK_MAIL_FROM": "hub@hub.test"})
    secret = Secret(password) if password else None
    assert settings.mail == MailServer(host, port, security, user, secret, "hub@hub.test")
    assert "p:w" not in repr(settings)


@pytest.mark.parametrize("url", REFUSED)
def test_a_mail_server_that_cannot_be_read_is_named(url):
    with pytest.raises(SettingsError) as told:
        load_settings({"ANSWERBACK_SMTP_URL": url, "ANSWERBACK_MAIL_FROM": "hub@hub.test"})
    assert told.value.problems[0].startswith("ANSWERBACK_SMTP_URL")
    assert "u:p" not in str(told.value)


@pytest.mark.parametrize(
    "environ",
    [
        {"ANSWERBACK_SMTP_URL": "smtp://smtp.test"},
        {"ANSWERBACK_MAIL_FROM": "hub@hub.test"},
        {"ANSWERBACK_SMTP_URL": "smtp://smtp.test", "ANSWERBACK_MAIL_FROM": "Hub <hub@hub.test>"},
    ],
)
def test_half_a_mail_server_is_refused(environ):
    with pytest.raises(SettingsError, match="ANSWERBACK_MAIL_FROM"):
        load_settings(environ)
