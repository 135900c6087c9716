"""Every setting, read from the environment in one place and checked before anything starts.

DATABASE_URL, DATABASE_OWNER_URL, REDIS_URL, PUBLIC_URL and PORT have the names that platforms give
them; all else is ANSWERBACK_*. docs/operators.md lists them, and a test compares the list with this
file.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from environs import Env, EnvError

from schemas.secret import Secret

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "[::1]"})
CHECKOUT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024
# What people add to a survey. No SVG and no HTML: both can hold a program that a CRM would run.
FILE_TYPES = (
    "image/png", "image/jpeg", "image/gif", "image/webp", "image/heic", "image/tiff",
    "application/pdf", "text/plain",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)  # fmt: skip
# Schemes of a mail server's address, and how each is encrypted.
SMTP: Mapping[str, str] = MappingProxyType({"smtp": "starttls", "smtps": "tls"})
ADDRESS = re.compile(r"[^@\s<>,;:\"]{1,64}@[A-Za-z0-9.-]{1,253}\Z")
CLIENT_ID = re.compile(r"ANSWERBACK_([A-Z0-9_]+)_CLIENT_ID\Z")


class Environment(StrEnum):
    """What the process is for; refusals at start hang on it, not on a workspace's stage."""

    DEMO = "demo"
    TEST = "test"
    PRODUCTION = "production"


class SettingsError(Exception):
    """The settings cannot be used; `problems` says for each which variable it is and what to do."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(
            "Settings refused:\n" + "\n".join(f"  - {problem}" for problem in problems)
        )
        self.problems = problems


@dataclass(frozen=True, slots=True)
class MailServer:
    """The operator's mail server, for the hub's own letters. `security`: starttls, tls or none;
    `sender`: the address that they come from.
    """

    host: str
    port: int
    security: str
    user: str
    password: Secret | None
    sender: str


@dataclass(frozen=True, slots=True)
class OAuthClient:
    """The operator's own app registration at one CRM; a workspace may seal its own instead."""

    client_id: str
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class OIDC:
    """The provider that people may sign in by. `issuer` is its own name, the start of its
    addresses; `label`: what the button says.
    """

    issuer: str
    label: str
    client: OAuthClient


@dataclass(frozen=True, slots=True, kw_only=True)
class FileLimits:
    """Which files of answers are taken, and for how long they are kept.

    `max_bytes` of one file, `response_max_bytes` of all files of a response. `types`: MIME types,
    as the content itself tells them. `hosts`: where files may lie beyond public https addresses.
    `keep_days`: how long a file is kept that has been delivered everywhere.
    """

    max_bytes: int
    response_max_bytes: int
    types: frozenset[str]
    hosts: frozenset[str]
    keep_days: float


# Where nothing else is said.
FILE_LIMITS = FileLimits(
    max_bytes=10 * MIB,
    response_max_bytes=50 * MIB,
    types=frozenset(FILE_TYPES),
    hosts=frozenset(),
    keep_days=7.0,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the process was told. None for a URL means: start the embedded engine.

    What ends in `_s` is seconds. `linger_s` and `oauth_clients` are by app name, lower case.
    `rate_share` is the part of an account's rate that this installation may use. `allowed_hosts`
    are hosts ("name" or "name:port") a CRM's base URL may have beyond the CRM's own. `apps_dir` is
    where the operator's descriptions of apps lie.
    """

    environment: Environment
    database_url: str | None = field(repr=False)
    database_owner_url: str | None = field(repr=False)
    redis_url: str | None = field(repr=False)
    public_url: str
    port: int
    proxies: int
    data_dir: Path
    runtime_dir: Path | None
    keks: Secret | None
    keks_file: Path | None
    allowed_hosts: frozenset[str]
    apps_dir: Path | None
    files: FileLimits
    lease_s: float
    call_deadline_s: float
    sweep_s: float
    linger_s: Mapping[str, float]
    rate_share: float
    oauth_clients: Mapping[str, OAuthClient] = field(repr=False)
    mail: MailServer | None
    oidc: OIDC | None
    log_level: int
    failpoints: str
    pool_size: int
    pool_overflow: int
    pool_wait_s: float
    statement_timeout_s: float
    lock_timeout_s: float
    web_workers: int
    web_threads: int
    metrics_token: Secret | None
    api_limits: Mapping[str, int]


class _Reader(Env):
    """environs over a given mapping instead of the process's environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(eager=True)
        self._mapping = environ

    def _get_value(self, env_key: str, default: Any) -> Any:  # noqa: ANN401 - environs' signature
        return self._mapping.get(env_key) or default


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """The settings of this process, or of `environ` where a test gives one.

    An empty variable counts as not set. Raises SettingsError with every problem at once, so that an
    operator mends them in one go.
    """
    environ = os.environ if environ is None else environ
    try:
        settings = _read(_Reader(environ), environ)
    except (EnvError, ValueError) as exc:
        # environs names the variable; its text may quote the value, which can hold a password.
        raise SettingsError((_without_value(str(exc)),)) from None
    problems = _problems(settings, environ)
    if problems:
        raise SettingsError(tuple(problems))
    return settings


def process_environ() -> dict[str, str]:
    """A copy of this process's environment, for the children it starts."""
    return dict(os.environ)


def adopt_environ(environ: Mapping[str, str]) -> None:
    """Let the children that this process forks or starts read `environ` as theirs."""
    os.environ.update(environ)


def _read(env: _Reader, environ: Mapping[str, str]) -> Settings:
    database_url = _postgres_url(env.str("DATABASE_URL", None))
    environment = env.enum(
        "ANSWERBACK_ENV", _default_environment(database_url), enum=Environment, by_value=True
    )
    port = env.int("PORT", 8080)
    data_dir = env.path("ANSWERBACK_DATA_DIR", None) or _default_data_dir()
    keks = env.str("ANSWERBACK_KEKS", None)
    return Settings(
        environment=environment,
        database_url=database_url,
        database_owner_url=_postgres_url(env.str("DATABASE_OWNER_URL", None)),
        redis_url=env.str("REDIS_URL", None),
        public_url=env.str("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
        port=port,
        proxies=env.int("ANSWERBACK_PROXIES", 0),
        data_dir=data_dir.absolute(),
        runtime_dir=env.path("XDG_RUNTIME_DIR", None),
        keks=Secret(keks) if keks else None,
        keks_file=_keks_file(env, environment, data_dir=data_dir, keks=keks),
        allowed_hosts=_allowed_hosts(env.list("ANSWERBACK_ALLOWED_HOSTS", [], subcast=str)),
        apps_dir=env.path("ANSWERBACK_APPS_DIR", None),
        files=_file_limits(env),
        lease_s=env.float("ANSWERBACK_LEASE_S", 60.0),
        call_deadline_s=env.float("ANSWERBACK_CALL_DEADLINE_S", 20.0),
        sweep_s=env.float("ANSWERBACK_SWEEP_S", 0.5),
        linger_s=MappingProxyType(env.dict("ANSWERBACK_LINGER_S", {}, subcast_values=float)),
        rate_share=env.float("ANSWERBACK_RATE_SHARE", 1.0),
        oauth_clients=MappingProxyType(_oauth_clients(environ)),
        mail=_mail_server(
            env.str("ANSWERBACK_SMTP_URL", None), env.str("ANSWERBACK_MAIL_FROM", None)
        ),
        oidc=_oidc(
            env.str("ANSWERBACK_OIDC_ISSUER", ""),
            env.str("ANSWERBACK_OIDC_LABEL", "Single sign-on"),
            _oauth_clients(environ).get("oidc"),
        ),
        log_level=env.log_level("ANSWERBACK_LOG_LEVEL", logging.INFO),
        failpoints=env.str("ANSWERBACK_FAILPOINTS", ""),
        pool_size=env.int("ANSWERBACK_POOL_SIZE", 5),
        pool_overflow=env.int("ANSWERBACK_POOL_OVERFLOW", 5),
        pool_wait_s=env.float("ANSWERBACK_POOL_WAIT_S", 3.0),
        statement_timeout_s=env.float("ANSWERBACK_STATEMENT_TIMEOUT_S", 5.0),
        lock_timeout_s=env.float("ANSWERBACK_LOCK_TIMEOUT_S", 5.0),
        web_workers=env.int("ANSWERBACK_WEB_WORKERS", 1),
        web_threads=env.int("ANSWERBACK_WEB_THREADS", 4),
        metrics_token=Secret(token) if (token := env.str("ANSWERBACK_METRICS_TOKEN", "")) else None,
        api_limits=MappingProxyType(env.dict("ANSWERBACK_API_LIMITS", {}, subcast_values=int)),
    )


def _default_environment(database_url: str | None) -> Environment:
    """Production wherever a database is named, so that nobody has to ask for the strict reading."""
    return Environment.PRODUCTION if database_url else Environment.DEMO


def _default_data_dir() -> Path:
    """The checkout's ./data from any working directory; ./data of that one when installed."""
    return (CHECKOUT if (CHECKOUT / "run").exists() else Path.cwd()) / "data"


def _file_limits(env: _Reader) -> FileLimits:
    types = env.list("ANSWERBACK_FILE_TYPES", list(FILE_TYPES), subcast=str)
    return FileLimits(
        max_bytes=env.int("ANSWERBACK_FILE_MAX_BYTES", FILE_LIMITS.max_bytes),
        response_max_bytes=env.int(
            "ANSWERBACK_FILE_RESPONSE_MAX_BYTES", FILE_LIMITS.response_max_bytes
        ),
        types=frozenset(one.strip().lower() for one in types if one.strip()),
        hosts=_allowed_hosts(env.list("ANSWERBACK_FILE_HOSTS", [], subcast=str)),
        keep_days=env.float("ANSWERBACK_FILE_KEEP_DAYS", FILE_LIMITS.keep_days),
    )


def _allowed_hosts(hosts: list[str]) -> frozenset[str]:
    return frozenset(host.strip().lower() for host in hosts if host.strip())


def _keks_file(
    env: _Reader, environment: Environment, *, data_dir: Path, keks: str | None
) -> Path | None:
    """Where the key-encryption keys lie; demo and test have a default, production must name it."""
    given = env.path("ANSWERBACK_KEKS_FILE", None)
    if given or keks or environment is Environment.PRODUCTION:
        return given
    return data_dir / "keks"


def _postgres_url(url: str | None) -> str | None:
    """Some platforms still hand out postgres://, which libpq takes and SQLAlchemy refuses."""
    if url and url.startswith("postgres://"):
        return "postgresql://" + url.removeprefix("postgres://")
    return url


def _oauth_clients(environ: Mapping[str, str]) -> dict[str, OAuthClient]:
    """One client per app that has both variables; half a pair is a problem that _problems names."""
    clients = {}
    for name, client_id in environ.items():
        found = CLIENT_ID.match(name)
        secret = environ.get(f"ANSWERBACK_{found[1]}_CLIENT_SECRET") if found else None
        if found and client_id and secret:
            clients[found[1].lower()] = OAuthClient(client_id, Secret(secret))
    return clients


def _oidc(issuer: str, label: str, client: OAuthClient | None) -> OIDC | None:
    return OIDC(issuer, label, client) if issuer and client else None


def _half_oidc(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    issuer, has_client = environ.get("ANSWERBACK_OIDC_ISSUER", ""), "oidc" in settings.oauth_clients
    if bool(issuer) != has_client:
        named = ("ISSUER", "CLIENT_ID", "CLIENT_SECRET")
        names = ", ".join(f"ANSWERBACK_OIDC_{one}" for one in named)
        return [f"{names}: set all of them or none"]
    parts = urlsplit(issuer)
    is_here = settings.environment is not Environment.PRODUCTION and is_loopback(parts.netloc)
    if issuer and parts.scheme != "https" and not is_here:
        return ["ANSWERBACK_OIDC_ISSUER: must be the https address that the provider calls itself"]
    return []


def _mail_server(url: str | None, sender: str | None) -> MailServer | None:
    """smtp://user:password@host:587 with STARTTLS, smtps:// with TLS from the start; `?security=
    none` for a relay without a user. Raises ValueError where that cannot be read.
    """
    if not url or not sender:
        return None
    message = 'Environment variable "ANSWERBACK_SMTP_URL" invalid'
    try:
        parts, port = urlsplit(url), urlsplit(url).port
    except ValueError:
        # Its text quotes the address, which can hold a password.
        raise ValueError(message) from None
    security = dict(parse_qsl(parts.query)).get("security", SMTP.get(parts.scheme, ""))
    is_plain = security == "none" and parts.scheme == "smtp" and not parts.username
    if not parts.hostname or not (is_plain or security == SMTP.get(parts.scheme)):
        raise ValueError(message)
    return MailServer(
        host=parts.hostname,
        port=port or (465 if security == "tls" else 587),
        security=security,
        user=unquote(parts.username or ""),
        password=Secret(unquote(parts.password)) if parts.password else None,
        sender=sender,
    )


def _half_mail(environ: Mapping[str, str]) -> list[str]:
    has_url, has_sender = (
        bool(environ.get(name)) for name in ("ANSWERBACK_SMTP_URL", "ANSWERBACK_MAIL_FROM")
    )
    problems = []
    if has_url != has_sender:
        problems.append("ANSWERBACK_SMTP_URL and ANSWERBACK_MAIL_FROM: set both or neither")
    if has_sender and not ADDRESS.match(environ["ANSWERBACK_MAIL_FROM"]):
        problems.append("ANSWERBACK_MAIL_FROM: must be a plain address such as hub@example.com")
    return problems


def _without_value(message: str) -> str:
    named = re.search(r'"([A-Z_]+)"', message)
    return f"{named[1] if named else 'ANSWERBACK_LINGER_S'}: the value cannot be read"


def _problems(settings: Settings, environ: Mapping[str, str]) -> list[str]:
    problems = [*_bad_numbers(settings), *_half_clients(environ), *_half_mail(environ)]
    problems += _half_oidc(settings, environ)
    if settings.keks and settings.keks_file:
        problems.append("ANSWERBACK_KEKS and ANSWERBACK_KEKS_FILE: set one of the two")
    if settings.failpoints and settings.environment is not Environment.TEST:
        problems.append("ANSWERBACK_FAILPOINTS: only the test environment has failpoints; unset it")
    if settings.database_owner_url and not settings.database_url:
        problems.append("DATABASE_OWNER_URL: set DATABASE_URL (the app's role) too, or neither")
    if settings.environment is Environment.PRODUCTION:
        problems.extend(_production_problems(settings))
    return problems


def _bad_numbers(settings: Settings) -> list[str]:
    positive = {
        "ANSWERBACK_LEASE_S": settings.lease_s,
        "ANSWERBACK_CALL_DEADLINE_S": settings.call_deadline_s,
        "ANSWERBACK_SWEEP_S": settings.sweep_s,
        "ANSWERBACK_POOL_SIZE": settings.pool_size,
        "ANSWERBACK_POOL_WAIT_S": settings.pool_wait_s,
        "ANSWERBACK_STATEMENT_TIMEOUT_S": settings.statement_timeout_s,
        "ANSWERBACK_LOCK_TIMEOUT_S": settings.lock_timeout_s,
        "ANSWERBACK_FILE_MAX_BYTES": settings.files.max_bytes,
        "ANSWERBACK_FILE_RESPONSE_MAX_BYTES": settings.files.response_max_bytes,
        "ANSWERBACK_FILE_KEEP_DAYS": settings.files.keep_days,
        "ANSWERBACK_WEB_WORKERS": settings.web_workers,
        "ANSWERBACK_WEB_THREADS": settings.web_threads,
    }
    problems = [f"{name}: must be above 0" for name, value in positive.items() if not value > 0]
    if settings.lease_s <= settings.call_deadline_s:
        problems.append(
            "ANSWERBACK_LEASE_S: must exceed ANSWERBACK_CALL_DEADLINE_S: calls end inside the lease"
        )
    if not 0 < settings.rate_share <= 1:
        problems.append("ANSWERBACK_RATE_SHARE: must be above 0 and at most 1")
    if not 0 <= settings.proxies <= 10:
        problems.append("ANSWERBACK_PROXIES: must be 0 to 10")
    if not 0 < settings.port < 65536:
        problems.append("PORT: must be 1 to 65535")
    return problems


def _half_clients(environ: Mapping[str, str]) -> list[str]:
    pattern = re.compile(r"ANSWERBACK_([A-Z0-9_]+)_CLIENT_(?:ID|SECRET)\Z")
    apps = {found[1] for name, value in environ.items() if value and (found := pattern.match(name))}
    both = {app.upper() for app in _oauth_clients(environ)}
    return [
        f"ANSWERBACK_{app}_CLIENT_ID and ANSWERBACK_{app}_CLIENT_SECRET: set both or neither"
        for app in sorted(apps - both)
    ]


def _production_problems(settings: Settings) -> list[str]:
    """What demo and test may do and a real installation may not."""
    problems = []
    if not settings.database_url:
        problems.append(
            "DATABASE_URL: production needs a PostgreSQL of its own; "
            "the embedded one trusts whoever reaches its socket"
        )
    if not settings.redis_url:
        problems.append("REDIS_URL: production needs a Redis or Valkey of its own")
    if not (settings.keks or settings.keks_file):
        problems.append(
            "ANSWERBACK_KEKS_FILE: production needs the key-encryption keys (mode 0600); "
            "ANSWERBACK_KEKS may hold them instead"
        )
    if urlsplit(settings.public_url).scheme != "https":
        problems.append(
            "PUBLIC_URL: production needs the https address under which users and CRMs reach it"
        )
    named = {
        "ANSWERBACK_ALLOWED_HOSTS": settings.allowed_hosts,
        "ANSWERBACK_FILE_HOSTS": settings.files.hosts,
    }
    for variable, hosts in named.items():
        loopback = sorted(h for h in hosts if is_loopback(h))
        if loopback:
            problems.append(f"{variable}: production refuses loopback ({', '.join(loopback)})")
    return problems


def is_loopback(host: str) -> bool:
    """Whether an allowed host, with or without a port, names this machine by its usual names."""
    name = host if host.count(":") > 1 else host.rsplit(":", 1)[0]
    name = name.partition("]")[0].removeprefix("[")
    return name in LOOPBACK or name.startswith("127.") or name.endswith(".localhost")
