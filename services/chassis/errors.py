"""Errors that mean something to the caller.

Who is to blame is the type: a peer's input, a broken rule, a missing thing, a missing right, or a
part of the platform that is away. Facts travel as attributes; prose is for people. This module
imports no gRPC, so nameko processes may raise these too; `grpc_host` maps them to status codes.
"""


class FarsightError(Exception):
    """Base of every error the platform raises on purpose. `facts` are short strings by name."""

    reason = "INTERNAL"
    #: Whether the same message may succeed later without a change.
    retry = False
    #: Whether a failed handling counts against `MAX_ATTEMPTS` of the message.
    counted = True

    def __init__(self, message: str, **facts: str) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts


class InputRejected(FarsightError):
    """The peer sent something that can never be accepted; sending it again won't help."""

    reason = "INPUT_REJECTED"


class RuleViolated(FarsightError):
    """A gate of law or of the domain says no. Facts: `article` and `missing` where they apply."""

    reason = "RULE_VIOLATED"


class NotFound(FarsightError):
    """The named thing does not exist, or the caller must not know that it does."""

    reason = "NOT_FOUND"


class Unauthenticated(FarsightError):
    """Nobody is signed in, or the token is over."""

    reason = "UNAUTHENTICATED"


class Forbidden(FarsightError):
    """The caller's role or jurisdiction does not allow it."""

    reason = "FORBIDDEN"


class Conflict(FarsightError):
    """Somebody else was first: the expected version is not the present one."""

    reason = "CONFLICT"


class Unavailable(FarsightError):
    """A part of the platform is away; the same call may succeed later."""

    reason = "UNAVAILABLE"
    retry = True


class DataLost(FarsightError):
    """What was kept is no longer what was handed in: its digest is another one."""

    reason = "DATA_LOST"


class StorageFull(Unavailable):
    """A disk is full or nearly so; work waits, however long, until there is room."""

    counted = False


BY_REASON: dict[str, type[FarsightError]] = {
    kind.reason: kind
    for kind in (
        InputRejected,
        RuleViolated,
        NotFound,
        Unauthenticated,
        Forbidden,
        Conflict,
        Unavailable,
    )
}
