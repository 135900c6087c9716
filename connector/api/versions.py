"""What of the API is deprecated: one table, told in the headers of every answer and in the
description.

    Deprecation: @1767225600                          since when (RFC 9745)
    Sunset: Fri, 01 Jan 2027 00:00:00 GMT             from when it may be gone (RFC 8594)
    Link: <...>; rel="deprecation", <...>; rel="successor-version"

Nothing is taken away sooner than a year after it was told: an entry that says otherwise does not
load.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from flask import Flask, Response, request
from werkzeug.http import http_date

NOTICE = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class Deprecated:
    """A route that will go. `since` and `sunset`: aware UTC; `successor`: the address to use
    instead, None where there is none; `about`: where it is explained.
    """

    since: datetime
    sunset: datetime
    about: str
    successor: str | None = None

    def __post_init__(self) -> None:
        """Hold the promise of docs/api.md."""
        if self.sunset - self.since < NOTICE:
            message = "a deprecated route stays for a year at least"
            raise ValueError(message)

    @property
    def headers(self) -> Mapping[str, str]:
        """As every answer of the route tells it."""
        links = [f'<{self.about}>; rel="deprecation"; type="text/html"']
        if self.successor:
            links.append(f'<{self.successor}>; rel="successor-version"')
        return {
            "Deprecation": f"@{int(self.since.astimezone(UTC).timestamp())}",
            "Sunset": http_date(self.sunset.astimezone(UTC)),
            "Link": ", ".join(links),
        }


Table = Mapping[tuple[str, str], Deprecated]
# (method, route as the URL map spells it). An entry needs its line in CHANGELOG.md and docs/api.md.
DEPRECATED: Table = MappingProxyType({})


def install(app: Flask, table: Table = DEPRECATED) -> None:
    """Tell of deprecated routes in every answer of theirs, refusals included."""

    @app.after_request
    def told(response: Response) -> Response:
        route = request.url_rule.rule if request.url_rule else ""
        one = table.get((request.method, route))
        if one is not None:
            response.headers.update(one.headers)
        return response
