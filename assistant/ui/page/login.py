"""Who may open the page: names and hashed passwords, kept as lines ``name:$scrypt$ln=14,r=8,p=5$salt$hash``."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from assistant.errors import MisuseError

if TYPE_CHECKING:
    from assistant.settings import Settings

LN, R, P = 14, 8, 5            # 16 MB and some 0.2 s a password, as OWASP's cheat sheet on storing passwords has it
MOST_MEMORY = 256 * 1024 * 1024  # bytes that a line of the file may ask for
LONGEST_PASSWORD = 1000        # characters
FORM = re.compile(r"\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)")


@dataclass(frozen=True, slots=True)
class Hash:
    """A password that cannot be read back."""

    ln: int                            # binary logarithm of scrypt's cost
    r: int
    p: int
    salt: bytes = field(repr=False)
    key: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str) -> Hash:
        """Hash a password with a salt of its own."""
        salt = os.urandom(16)
        return cls(LN, R, P, salt, _derived(password, LN, R, P, salt, 32))

    @classmethod
    def read(cls, text: str) -> Hash | None:
        """What `__str__` gave, or any scrypt hash in that form; None if it is something else."""
        found = FORM.fullmatch(text)
        try:
            if found is None:
                return None
            ln, r, p = (int(found[number]) for number in (1, 2, 3))
            salt, key = (base64.b64decode(found[number] + "=" * (-len(found[number]) % 4)) for number in (4, 5))
        except binascii.Error:
            return None
        if not (ln and r and p) or len(key) < 16 or _memory(ln, r, p) > MOST_MEMORY:
            return None
        return cls(ln, r, p, salt, key)

    def is_of(self, password: str) -> bool:
        """Whether the password is this one; takes as long either way."""
        return hmac.compare_digest(_derived(password, self.ln, self.r, self.p, self.salt, len(self.key)), self.key)

    def __str__(self) -> str:
        salt, key = (base64.b64encode(part).decode().rstrip("=") for part in (self.salt, self.key))
        return f"$scrypt$ln={self.ln},r={self.r},p={self.p}${salt}${key}"


class Login:
    """Those who may open the page."""

    def __init__(self, hashes: Mapping[str, Hash]) -> None:
        self._hashes = dict(hashes)
        self._nobody = Hash.of(os.urandom(16).hex())  # an unknown name must take as long as a known one

    def admits(self, name: str, password: str) -> bool:
        """Whether name and password belong together."""
        known = self._hashes.get(name)
        right = (known or self._nobody).is_of(password[:LONGEST_PASSWORD])
        return right and known is not None


def read_login(settings: Settings) -> Login | None:
    """Those of ASSISTANT_AUTH and ASSISTANT_AUTH_FILE; None if neither is set, and the page is open to all.

    Raises:
        MisuseError: the file cannot be read, has a line of another form, or a name twice. Says no more than which.
    """
    hashes: dict[str, Hash] = {}
    if settings.auth_file is not None:
        try:
            lines = settings.auth_file.read_text("utf-8").splitlines()
        except (OSError, ValueError) as exc:
            reason = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
            raise MisuseError(f"the file that ASSISTANT_AUTH_FILE names cannot be read ({reason})") from None
        for number, line in enumerate(lines, 1):
            if line.strip() and not line.startswith("#"):
                name, hashed = _read_line(line, number)
                if name in hashes:
                    raise MisuseError(f"line {number} of ASSISTANT_AUTH_FILE names {name!r} a second time")
                hashes[name] = hashed
        if not hashes:
            raise MisuseError("the file that ASSISTANT_AUTH_FILE names has no line; "
                              "assistant serve --hash-password USER makes one")
    if settings.auth is not None:
        name, _, password = settings.auth.get_secret_value().partition(":")
        if name in hashes:
            raise MisuseError(f"both ASSISTANT_AUTH and ASSISTANT_AUTH_FILE have {name!r}; leave one out")
        hashes[name] = Hash.of(password)
    return Login(hashes) if hashes else None


def login_line(name: str, password: str) -> str:
    """A line for the file.

    Raises:
        MisuseError: the name or the password cannot be used.
    """
    if not name or name != name.strip() or ":" in name or name.startswith("#") or not name.isprintable():
        raise MisuseError("a name has no colon, no # first, no blanks around it, and is not empty")
    if not password or len(password) > LONGEST_PASSWORD:
        raise MisuseError(f"a password has 1 to {LONGEST_PASSWORD} characters")
    return f"{name}:{Hash.of(password)}"


def _read_line(line: str, number: int) -> tuple[str, Hash]:
    name, _, rest = line.strip().partition(":")
    hashed = Hash.read(rest)
    if not name or hashed is None:
        raise MisuseError(
            f"line {number} of ASSISTANT_AUTH_FILE is not "
            "USER:$scrypt$…; assistant serve --hash-password USER makes one"
        )
    return name, hashed


def _memory(ln: int, r: int, p: int) -> int:
    """Bytes that scrypt needs, with a little over."""
    return 128 * r * ((1 << ln) + p + 2) + 65536


def _derived(password: str, ln: int, r: int, p: int, salt: bytes, length: int) -> bytes:
    return hashlib.scrypt(
        password.encode("utf-8", "replace"), salt=salt, n=2**ln, r=r, p=p, maxmem=_memory(ln, r, p), dklen=length
    )
