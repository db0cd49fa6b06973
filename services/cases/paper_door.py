"""gRPC door `PaperService` 文书: documents with their digests, drafts, citations, verification."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import grpc.aio

from services.cases import paper_store
from services.cases.app.check_citations import check_citations
from services.cases.app.preview_paper import Wish, preview_paper
from services.cases.app.print_sheet import print_sheet
from services.cases.app.read_papers import list_papers, read_paper, verify_paper
from services.cases.paper_wire import chunks, paper_message, reference_message
from services.chassis.clock import utc_now
from services.chassis.db import Database
from services.chassis.errors import InputRejected
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Role
from services.chassis.pb.cases.v1 import paper_pb2 as pb
from services.chassis.pb.cases.v1 import paper_pb2_grpc

SERVICE = "farsight.cases.v1.PaperService"


def register(server: grpc.aio.Server, database: Database) -> None:
    """Add the servicer to a gRPC host."""
    paper_pb2_grpc.add_PaperServiceServicer_to_server(PaperServicer(database), server)


class PaperServicer(paper_pb2_grpc.PaperServiceServicer):
    """Answers for the schema `cases`; every method checks who asks and for what."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def ListPapers(self, request: pb.ListPapersRequest, context: Any) -> pb.ListPapersResponse:  # noqa: N802
        """Documents of a matter or its family; a plant sees what was served to it."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            found = list_papers(session, actor, request.matter_id, family=request.family)
        return pb.ListPapersResponse(papers=map(paper_message, found))

    def GetPaper(  # noqa: N802
        self, request: pb.GetPaperRequest, context: Any
    ) -> Iterator[pb.GetPaperResponse]:
        """One document: its head, then its PDF."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            shown = read_paper(session, actor, request.paper_id)
            pdf = paper_store.pdf_of(session, request.paper_id)
        facts = actor.role is not Role.ENTERPRISE
        yield pb.GetPaperResponse(paper=paper_message(shown, facts=facts))
        for chunk in chunks(pdf):
            yield pb.GetPaperResponse(chunk=chunk)

    def RenderSheet(  # noqa: N802
        self, request: pb.RenderSheetRequest, context: Any
    ) -> Iterator[pb.RenderSheetResponse]:
        """电子督办单 as it stands."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            number, printed = print_sheet(session, actor, request.matter_id, utc_now())
        yield pb.RenderSheetResponse(
            number=number,
            sha256=printed.sha256,
            sm3=printed.sm3,
            size_bytes=len(printed.pdf),
        )
        for chunk in chunks(printed.pdf):
            yield pb.RenderSheetResponse(chunk=chunk)

    def PreviewPaper(  # noqa: N802
        self, request: pb.PreviewPaperRequest, context: Any
    ) -> Iterator[pb.PreviewPaperResponse]:
        """草稿 of what an act would issue, or what it still lacks."""
        actor = actor_of(context)
        wish = Wish(
            request.matter_id, request.act, dict(request.fields), request.reason, request.key
        )
        with self._db.transaction() as session:
            draft = preview_paper(session, actor, wish, utc_now())
        printed = draft.printed
        yield pb.PreviewPaperResponse(
            key=draft.template.key,
            title=draft.template.title,
            pages=printed.pages if printed else 0,
            missing=draft.missing,
            faults=[one.explanation for one in draft.faults],
            size_bytes=len(printed.pdf) if printed else 0,
        )
        for chunk in chunks(printed.pdf if printed else b""):
            yield pb.PreviewPaperResponse(chunk=chunk)

    def CheckReferences(  # noqa: N802
        self, request: pb.CheckReferencesRequest, context: Any
    ) -> pb.CheckReferencesResponse:
        """文号互核 of a text, or of a family's documents."""
        actor = actor_of(context)
        with self._db.transaction() as session:
            found = check_citations(session, actor, request.matter_id, request.text)
        return pb.CheckReferencesResponse(
            references=map(reference_message, found),
            correct=not any(one.reference.wrong for one in found),
        )

    def VerifyPaper(self, request: pb.VerifyPaperRequest, context: Any) -> pb.VerifyPaperResponse:  # noqa: N802
        """Whether a PDF is one that was issued, unchanged and still in force."""
        actor = actor_of(context)
        if bool(request.digest) == bool(request.pdf):
            raise InputRejected("either a digest or a PDF is needed", field="digest")
        digest = request.digest or hashlib.sha256(request.pdf).digest()
        with self._db.transaction() as session:
            verdict = verify_paper(session, actor, digest)
        if verdict.shown is None:
            return pb.VerifyPaperResponse()
        return pb.VerifyPaperResponse(
            issued=True,
            paper=paper_message(verdict.shown),
            intact=verdict.intact,
            current=not verdict.shown.kept.replaced_by,
            chained=verdict.chained,
        )
