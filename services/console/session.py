"""会话: who is signed in, kept in Redis under the digest of an opaque id.

The browser holds nothing but a random id. The store keeps its SHA-256, so that reading Redis
gives nobody a cookie. A session that signs in gets a new id (no fixation); sessions end after
hours of rest and after a working day in any case.
"""

import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

from redis.asyncio import Redis
from redis.exceptions import RedisError

from services.chassis.errors import Unavailable

COOKIE = "farsight_session"
PREFIX = "console:session:"
#: A form to sign in may lie open this long.
ANONYMOUS_LIFE = timedelta(minutes=30)
#: A signed-in session ends after this much rest ...
IDLE_LIFE = timedelta(hours=2)
#: ... and after this long in any case.
WHOLE_LIFE = timedelta(hours=12)


@dataclass(frozen=True)
class Session:
    """One browser's session. `token` is empty while nobody is signed in."""

    csrf: str
    language: str = "zh_CN"
    token: str = ""
    token_expires_at: float = 0.0  # unix seconds
    signed_in_at: float = 0.0  # unix seconds
    user_name: str = ""
    display_name: str = ""
    role: str = ""
    division: str = ""
    division_name: str = ""
    credit_code: str = ""
    officer_id: str = ""
    scripted: bool = False
    notices: tuple[str, ...] = field(default=())  # shown once on the next page

    @property
    def signed_in(self) -> bool:
        """Whether a person stands behind this session."""
        return bool(self.token)


def fresh_session(language: str = "zh_CN") -> Session:
    """Make a session for a browser that nobody signed in with yet."""
    return Session(csrf=secrets.token_urlsafe(24), language=language)


@contextmanager
def redis_errors() -> Iterator[None]:
    """Turn a Redis that is away into `Unavailable`."""
    try:
        yield
    except RedisError as error:
        raise Unavailable("Redis does not answer", server="Redis", setting="REDIS_URL") from error


class SessionStore:
    """Sessions in Redis. A Redis that is away becomes `Unavailable`."""

    def __init__(self, redis: "Redis", namespace: str = PREFIX) -> None:
        self._redis = redis
        self._namespace = namespace

    async def load(self, session_id: str) -> Session | None:
        """Read a session; None when unknown or over."""
        if not session_id:
            return None
        with redis_errors():
            body = await self._redis.get(self._key(session_id))
        if body is None:
            return None
        fields = json.loads(body)
        session = Session(**{**fields, "notices": tuple(fields["notices"])})
        if session.signed_in and now_s() - session.signed_in_at > WHOLE_LIFE.total_seconds():
            return None
        return session

    async def open(self, session: Session) -> str:
        """Keep a new session and give its id."""
        session_id = secrets.token_urlsafe(32)
        await self.save(session_id, session)
        return session_id

    async def save(self, session_id: str, session: Session) -> None:
        """Keep a session; its rest starts anew."""
        life = IDLE_LIFE if session.signed_in else ANONYMOUS_LIFE
        with redis_errors():
            await self._redis.set(self._key(session_id), json.dumps(asdict(session)), ex=life)

    async def touch(self, session_id: str) -> None:
        """Start a signed-in session's rest anew."""
        with redis_errors():
            await self._redis.expire(self._key(session_id), IDLE_LIFE)

    async def close(self, session_id: str) -> None:
        """Forget a session."""
        with redis_errors():
            await self._redis.delete(self._key(session_id))

    async def rotate(self, session_id: str, session: Session) -> str:
        """Give the session another id and another CSRF token; the old id is worth nothing."""
        if session_id:
            await self.close(session_id)
        return await self.open(replace(session, csrf=secrets.token_urlsafe(24)))

    async def count_failure(self, who: str, window: timedelta) -> int:
        """Count a wrong password for `who`; tell how many there were in the window."""
        key = f"{self._namespace}failures:{digest(who)}"
        with redis_errors():
            async with self._redis.pipeline() as pipe:
                pipe.incr(key)
                pipe.expire(key, window, nx=True)
                counts = await pipe.execute()
        return int(counts[0])

    async def failures(self, who: str) -> int:
        """Tell how many wrong passwords were counted for `who`."""
        with redis_errors():
            counted = await self._redis.get(f"{self._namespace}failures:{digest(who)}")
        return int(counted or 0)

    async def ping(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except RedisError:
            return False

    def _key(self, session_id: str) -> str:
        return self._namespace + digest(session_id)


def digest(text: str) -> str:
    """SHA-256 as hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def now_s() -> float:
    """Tell the present moment in unix seconds."""
    return datetime.now(UTC).timestamp()
