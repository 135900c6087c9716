"""The file manager of the simulated portal: uploads, and which note carries which file."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from simulators.hubspot.access import Access
from simulators.kit.messages import Answer, Refused, Request
from simulators.kit.simulator import route

ACCESS = {
    "PUBLIC_INDEXABLE", "PUBLIC_NOT_INDEXABLE", "HIDDEN_INDEXABLE", "HIDDEN_NOT_INDEXABLE",
    "HIDDEN_PRIVATE", "PRIVATE", "HIDDEN_SENSITIVE", "SENSITIVE",
}  # fmt: skip
STRATEGIES = {"NONE", "REJECT", "RETURN_EXISTING"}
SCOPES = {"ENTIRE_PORTAL", "EXACT_FOLDER"}
LARGEST = 20 * 1024 * 1024


class Files(Access):
    """The calls about files."""

    @route("POST", r"/files/v3/files", kind="file")
    def upload(self, request: Request) -> Answer:
        """One file with its options; `overwrite` replaces one of the same name and folder."""
        self.need(request, "files")
        parts = _parts(request)
        if "file" not in parts or not ("folderPath" in parts or "folderId" in parts):
            raise Refused(self.errors.invalid("file and folderPath or folderId are needed"))
        options = self._upload_options(parts.get("options", (b"", ""))[0])
        content, sent_as = parts["file"]
        if not content or len(content) > LARGEST:
            raise Refused(self.errors.invalid("the file is empty or too large"))
        folder = parts.get("folderPath", (b"/", ""))[0].decode()
        name = parts.get("fileName", (sent_as.encode(), ""))[0].decode()
        made = self._kept(folder, name, content, overwrite=bool(options.get("overwrite")))
        return Answer(201, made)

    @route("GET", r"/files/v3/files/(?P<id>[^/]+)", kind="file")
    def read_file(self, request: Request) -> Answer:
        """One file with its address; 404 for one that is not there."""
        self.need(request, "files")
        found = self.files.get(request.params["id"])
        if found is None:
            raise Refused(self.errors.not_found())
        told = {name: value for name, value in found.items() if name != "sha256"}
        address = f"https://files.hubspot.example/hubfs/{self.options['portal_id']}{found['path']}"
        return Answer(200, {**told, "url": address})

    @route("DELETE", r"/files/v3/files/(?P<id>[^/]+)", kind="file")
    def delete_file(self, request: Request) -> Answer:
        """Delete one file for good; 404 for one that is not there."""
        self.need(request, "files")
        if self.files.pop(request.params["id"], None) is None:
            raise Refused(self.errors.not_found())
        return Answer(204)

    def _upload_options(self, told: bytes) -> dict[str, Any]:
        try:
            options = json.loads(told)
        except ValueError as exc:
            raise Refused(self.errors.invalid("options is no JSON")) from exc
        strategy = options.get("duplicateValidationStrategy", "NONE")
        scope = options.get("duplicateValidationScope", "ENTIRE_PORTAL")
        fine = options.get("access") in ACCESS and strategy in STRATEGIES and scope in SCOPES
        if not fine:
            raise Refused(self.errors.invalid("options.access or a duplicate rule is invalid"))
        return dict(options)

    def _kept(self, folder: str, name: str, content: bytes, *, overwrite: bool) -> dict[str, Any]:
        path = f"{folder.rstrip('/')}/{name}"
        there = next((one for one in self.files.values() if one["path"] == path), None)
        if there is not None and not overwrite:
            # The real service keeps both and numbers the second (documentation).
            stem, dot, ending = path.rpartition(".")
            path, there = f"{stem}-1{dot}{ending}", None
        number = there["id"] if there else str(900_000 + len(self.files))
        at = self.clock.iso()
        stem, _, ending = name.rpartition(".")
        self.files[number] = {
            "id": number,
            "createdAt": there["createdAt"] if there else at,
            "updatedAt": at,
            "archived": False,
            "path": path,
            "name": stem or name,
            "extension": ending,
            "size": len(content),
            "access": "PRIVATE",
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        return {name: value for name, value in self.files[number].items() if name != "sha256"}


def _parts(request: Request) -> dict[str, tuple[bytes, str]]:
    """The parts of a multipart form, byte for byte: name -> (content, file name)."""
    found = re.fullmatch(r'multipart/form-data; ?boundary="?([^";]+)"?', _type_of(request))
    if found is None:
        return {}
    parts: dict[str, tuple[bytes, str]] = {}
    for one in request.body.split(b"--" + found[1].encode())[1:-1]:
        head, _, content = one.partition(b"\r\n\r\n")
        told = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode()))
        parts[told.get("name", "")] = (content.removesuffix(b"\r\n"), told.get("filename", ""))
    return parts


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "")
