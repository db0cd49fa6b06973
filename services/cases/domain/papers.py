"""Documents 文书 and attachments 附件 of a matter, as gates and timelines see them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Paper:
    """A document that was issued. It is never changed; a new `revision` replaces it.

    `seq` is the timeline line that issued it, `number` its 文号 (empty for a paper without one),
    `facts` what was filled into the template.
    """

    paper_id: str
    matter_id: str
    seq: int
    template: str
    template_version: str
    title: str
    number: str
    revision: int
    facts: Mapping[str, object] = field(compare=False)
    sha256: bytes
    sm3: bytes
    size_bytes: int
    made_at: dt.datetime
    replaces: str = ""  # paper_id of the revision before


@dataclass(frozen=True)
class Attachment:
    """证据材料: a file that was handed in. Its bytes are kept apart, by their digest.

    `taken_at`, `longitude`, `latitude` (degrees, CGCS2000) are what the device stated.
    """

    attachment_id: str
    matter_id: str
    seq: int
    name: str
    purpose: str  # photo | video | record | before | after | proof | other
    media_type: str
    size_bytes: int
    sha256: bytes
    sm3: bytes
    uploaded_by: str
    uploaded_at: dt.datetime
    taken_at: dt.datetime | None = None
    longitude: float | None = None
    latitude: float | None = None
    device: str = ""
    note: str = ""
    uploader_role: str = ""  # role of who handed it in: a plant sees its own
