"""Documents, files and openings of the invented world."""

import hashlib
from collections.abc import Iterator
from typing import Any

from services.chassis.errors import NotFound, RuleViolated
from services.chassis.grpc_host import actor_of
from services.chassis.identity import Role
from services.chassis.pb.cases.v1 import cases_pb2 as cases
from services.chassis.pb.cases.v1 import paper_pb2 as paper
from services.chassis.pb.cases.v1 import paper_pb2_grpc

PDF = b"%PDF-1.7 decision"


class Papers(paper_pb2_grpc.PaperServiceServicer):
    """One decision of the case m-2; a draft asks for an amount."""

    head = paper.Paper(
        paper_id="p-1", matter_id="m-2", key="decision", title="行政处罚决定书",
        number="邯山环罚字〔2026〕3号", revision=1, current=True, served_on="2026-11-12",
        sha256=hashlib.sha256(PDF).digest(), sm3=hashlib.new("sm3", PDF).digest(),
        size_bytes=len(PDF),
    )  # fmt: skip

    def ListPapers(self, request: Any, context: Any) -> paper.ListPapersResponse:  # noqa: N802
        mine = request.matter_id == "m-2" and actor_of(context).role != Role.ENTERPRISE
        return paper.ListPapersResponse(papers=[self.head] if mine else [])

    def GetPaper(self, request: Any, context: Any) -> Iterator[paper.GetPaperResponse]:  # noqa: N802
        if request.paper_id != "p-1":
            raise NotFound("no such paper")
        yield paper.GetPaperResponse(paper=self.head, chunk=PDF[:8])
        yield paper.GetPaperResponse(chunk=PDF[8:])

    def PreviewPaper(self, request: Any, context: Any) -> Iterator[paper.PreviewPaperResponse]:  # noqa: N802
        if not request.fields.get("amount"):
            yield paper.PreviewPaperResponse(missing=["罚款金额"])
            return
        yield paper.PreviewPaperResponse(key="decision", chunk=PDF)


class FileAnswers:
    """Part of the door `Cases`: files are kept in memory, openings make a matter."""

    def __init__(self, world: Any) -> None:
        self.world = world
        self.files: list[tuple[cases.Attachment, bytes]] = []

    def ListAttachments(self, request: Any, context: Any) -> cases.ListAttachmentsResponse:  # noqa: N802
        heads = [head for head, _ in self.files if head.head.matter_id == request.matter_id]
        return cases.ListAttachmentsResponse(attachments=heads)

    def Attach(self, requests: Any, context: Any) -> cases.AttachResponse:  # noqa: N802
        first = next(requests)
        content = b"".join([first.chunk, *(one.chunk for one in requests)])
        kept = cases.Attachment(
            head=first.head,
            attachment_id=f"a-{len(self.files) + 1}",
            size_bytes=len(content),
            sm3=hashlib.new("sm3", content).digest(),
            uploaded_by=actor_of(context).name,
        )
        self.files.append((kept, content))
        return cases.AttachResponse(attachment=kept)

    def GetAttachment(self, request: Any, context: Any) -> Iterator[cases.GetAttachmentResponse]:  # noqa: N802
        for head, content in self.files:
            if head.attachment_id == request.attachment_id:
                yield cases.GetAttachmentResponse(attachment=head, chunk=content)
                return
        raise NotFound("no such attachment")

    def ListOpenings(self, request: Any, context: Any) -> cases.ListOpeningsResponse:  # noqa: N802
        act = cases.AllowedAct(
            act="request",
            name="申请现场检查",
            reason=True,
            fields=[
                cases.ActField(name="planned_at", label="计划时间", type="moment", required=True),
                cases.ActField(name="officer_2", label="第二名", type="officer", required=True),
                cases.ActField(
                    name="why_covert", label="暗查理由", type="text", required=True,
                    when_field="covert", when_values=["yes"],
                ),
                cases.ActField(
                    name="covert", label="是否暗查", type="choice", choices=["yes|是", "no|否"]
                ),
            ],
        )  # fmt: skip
        kind = cases.MATTER_KIND_INSPECTION
        return cases.ListOpeningsResponse(openings=[cases.Opening(kind=kind, act=act)])

    def OpenMatter(self, request: Any, context: Any) -> cases.OpenMatterResponse:  # noqa: N802
        if not request.reason:
            raise RuleViolated("“申请现场检查”缺少：理由", article="工作规则", missing="理由")
        self.world.opened.append(request)
        return cases.OpenMatterResponse(matter=self.world.matters["m-2"])
