"""证明材料: a file that proves what a mark says, with both digests."""

import hashlib
from datetime import datetime

from gmssl_pyx import sm3_hash
from sqlalchemy.orm import Session

from services.chassis.errors import InputRejected, NotFound
from services.ingest import mark_store as store
from services.ingest.domain.marks import MarkTerms
from services.ingest.mark_tables import ProofRow

LONGEST_NAME, LONGEST_TYPE = 200, 100


def keep_proof(
    session: Session,
    outlet_id: str,
    name: str,
    media_type: str,
    content: bytes,
    *,
    who: str,
    terms: MarkTerms,
    now: datetime,
) -> ProofRow:
    """Keep a file once; its id is that of its digest. Raises InputRejected by field."""
    if not 0 < len(content) <= terms.proof_bytes:
        raise InputRejected(f"content: 1 to {terms.proof_bytes} bytes", field="content")
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
        raise InputRejected(f"name: 1 to {LONGEST_NAME} printable characters", field="name")
    if media_type.count("/") != 1 or len(media_type) > LONGEST_TYPE:
        raise InputRejected("type: no media type, as image/jpeg", field="type")
    sha256 = hashlib.sha256(content)
    proof_id = f"p-{sha256.hexdigest()[:24]}"
    values = {
        "outlet_id": outlet_id,
        "proof_id": proof_id,
        "name": name,
        "type": media_type,
        "size": len(content),
        "content": content,
        "sm3": sm3_hash(content),
        "sha256": sha256.digest(),
        "kept_by": who,
        "kept_at": now,
    }
    store.add_proof(session, values)
    return proof_of(session, outlet_id, proof_id)


def proof_of(session: Session, outlet_id: str, proof_id: str) -> ProofRow:
    """Give a kept file. Raises NotFound."""
    found = store.proofs_of(session, outlet_id, [proof_id])
    if proof_id not in found:
        raise NotFound("no such proof", proof_id=proof_id)
    return found[proof_id]
