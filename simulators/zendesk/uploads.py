"""/uploads: files that wait for a comment to take them up."""

from __future__ import annotations

import hashlib

from simulators.kit.messages import Answer, Request
from simulators.zendesk.account import Account, api
from simulators.zendesk.listing import one
from simulators.zendesk.refusals import RecordInvalid
from simulators.zendesk.state import Record

LARGEST = 50 * 1024 * 1024


class Uploads(Account):
    """The routes below /uploads."""

    @api("POST", r"/uploads", kind="file")
    def upload(self, request: Request) -> Answer:
        """The body is the file; the name stands in the query. The token is good for an hour."""
        name = one(dict(request.query), "filename")
        if not name:
            raise RecordInvalid(
                attribute="filename", code="BlankValue", text="Filename: cannot be blank"
            )
        if not request.body or len(request.body) > LARGEST:
            raise RecordInvalid(
                attribute="attachment", code="InvalidValue", text="Attachment: is invalid"
            )
        number = self.account.new_id()
        token = hashlib.sha256(f"{number}:{name}".encode()).hexdigest()[:30]
        made = self._attachment(number, name, request)
        until = self.account.now() + float(self.options["upload_lives_s"])
        self.account.uploads[token] = (until, made)
        told = {"token": token, "attachment": made, "attachments": [made]}
        expires = {"expires_at": self.account.stamp()}
        # Recorded: JSON, called text.
        answer = self.ok({"upload": told | expires}, 201, {"Location": made["url"]})
        answer.content_type = "text/plain; charset=utf-8"
        return answer

    def _attachment(self, number: int, name: str, request: Request) -> Record:
        self.account.contents[number] = hashlib.sha256(request.body).hexdigest()
        kind = request.headers.get("content-type", "application/binary")
        return attachment(number, name, kind, size=len(request.body), host=self.host(request))


def attachment(number: int, name: str, kind: str, *, size: int, host: str) -> Record:
    """An attachment as the API tells it (recorded)."""
    address = f"{host}/attachments/token/{number}/?name={name}"
    return {
        "id": number,
        "url": f"{host}/api/v2/attachments/{number}.json",
        "file_name": name,
        "content_type": kind,
        "content_url": address,
        "mapped_content_url": address,
        "size": size,
        "deleted": False,
        "inline": False,
        "malware_access_override": False,
        "malware_scan_result": "not_scanned",
        "thumbnails": [],
        "width": None,
        "height": None,
    }
