"""What tests of the keeping share: a notary with a key of its own."""

from services.chassis.signing import FileSigner
from services.ingest.app.sign_heads import Notary
from services.ingest.domain.head import ClockState
from tests.integration.settling_bench import Bench

SIGNER = FileSigner(
    bytes.fromhex("3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"),
    bytes.fromhex(
        "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
        "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
    ),
)
CLOCK = (ClockState("kernel", synchronised=True, offset_us=-12, max_error_us=2500),)


def notary(bench: Bench) -> Notary:
    """Signs by the bench's clock, with the key of GB/T 32918.5's example."""
    return Notary(bench.database, SIGNER, lambda: CLOCK, lambda: bench.now)
