"""The headers of every answer: nothing runs, frames, is cached or guessed that we did not say."""

from __future__ import annotations

from flask import Flask, Response, request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
        "object-src 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
# Two years, as the preload lists ask; sent only where the public address is https (RFC 6797, 7.2).
TRANSPORT_SECURITY = "max-age=63072000; includeSubDomains"


def install(app: Flask, *, https: bool) -> None:
    """Add the headers to every answer of the app, refusals included."""

    @app.after_request
    def secured(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        if https:
            response.headers["Strict-Transport-Security"] = TRANSPORT_SECURITY
        if request.endpoint == "static" and response.status_code == 200:
            # The files carry no secret; a release changes them, so a day is enough.
            response.headers["Cache-Control"] = "public, max-age=86400"
        return response
