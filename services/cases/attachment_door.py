"""Answers of `CaseService` about files: handing in, listing, reading."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

from services.chassis.db import Database
from services.chassis.pb.cases.v1 import cases_pb2 as pb


class AttachmentAnswers:
    """Part of the servicer: see `door.CaseServicer`."""

    _db: Database

    async def Attach(  # noqa: N802
        self, requests: AsyncIterator[pb.AttachRequest], context: Any
    ) -> pb.AttachResponse:
        """Take a file in."""
        raise NotImplementedError

    def ListAttachments(  # noqa: N802
        self, request: pb.ListAttachmentsRequest, context: Any
    ) -> pb.ListAttachmentsResponse:
        """Files of a matter."""
        raise NotImplementedError

    def GetAttachment(self, request: pb.GetAttachmentRequest, context: Any) -> Any:  # noqa: N802
        """One file with its bytes."""
        raise NotImplementedError
