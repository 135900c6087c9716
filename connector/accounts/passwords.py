"""What a good password is, and the hash that is kept of it."""

from __future__ import annotations

from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from connector.problems import Code, Place, Refusal
from connector.settings import Environment
from schemas.secret import Secret

SHORTEST, LONGEST = 12, 256
# The first thing that is guessed, in lower case: no rule on signs, but none of these.
COMMON = frozenset(
    {
        "123456789012", "1234567890123", "12345678901234", "123456789123", "111111111111",
        "000000000000", "123123123123", "112233445566", "987654321098", "password1234",
        "password12345", "password123456", "passwordpassword", "qwertyuiop12", "qwertyuiop123",
        "qwertyuiop[]", "qwerty123456", "qwerty1234567", "qwertyqwerty", "1q2w3e4r5t6y",
        "1qaz2wsx3edc", "zaq12wsxcde3", "asdfghjkl123", "abcdefghijkl", "abcd12345678",
        "abc123456789", "iloveyou1234", "iloveyouforever", "administrator", "administrator1",
        "adminadmin123", "admin1234567", "letmein12345", "welcome12345", "welcome123456",
        "changeme1234", "changemenow1", "correcthorsebatterystaple", "trustno1trustno1",
        "football1234", "baseball1234", "superman1234", "dragon123456", "monkey123456",
        "sunshine1234", "princess1234", "master123456", "shadow123456", "michael12345",
        "motdepasse123", "passwort1234", "passwort12345", "kennwort1234", "adgangskode1",
        "adgangskode123", "password2024", "password2025", "password2026", "summer2025!!",
        "winter2025!!", "answerback123", "answerback1234", "contraseña123", "parolasegreta1",
    }
)  # fmt: skip


@cache
def hasher_of(environment: Environment) -> PasswordHasher:
    """Argon2id with 19 MiB and two passes (OWASP's password storage advice); tests sign in often,
    and pay less.
    """
    if environment is Environment.TEST:
        return PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    return PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def check(password: Secret, *, email: str) -> None:
    """Refusal(BODY_INVALID) with the reason, unless it is one that is hard to guess."""
    text = _weakness(password.reveal(), email)
    if text:
        raise Refusal(Code.BODY_INVALID, text, places=[Place("/password", "weak", text)])


def hashed(environment: Environment, password: Secret) -> str:
    """What is kept of a password."""
    return hasher_of(environment).hash(password.reveal())


def is_right(environment: Environment, kept: str | None, password: Secret) -> bool:
    """Whether the password is the one that `kept` was made of. Where none is kept it takes as long
    and is never right.
    """
    try:
        return hasher_of(environment).verify(kept or _nobodys(environment), password.reveal()) and (
            kept is not None
        )
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobodys(environment: Environment) -> str:
    """The hash that stands for people who are not there."""
    return hasher_of(environment).hash("nobody has this password")


def _weakness(password: str, email: str) -> str:
    if len(password) < SHORTEST:
        return f"A password has at least {SHORTEST} characters."
    if len(password) > LONGEST:
        return f"A password has at most {LONGEST} characters."
    plain = password.casefold()
    if plain in COMMON or len(set(plain)) < 4:
        return "This password is among the first that are guessed."
    if email.casefold() in plain or plain in email.casefold():
        return "A password does not contain the e-mail address."
    return ""
