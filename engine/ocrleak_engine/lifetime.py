"""Who is using a resource, and when the last one has left: plain threading, no OCR.

A count would be wrong for ever after one `KeyboardInterrupt` between its change and its `try`. Here
every use holds a lock of its own: `with` takes and gives back a lock in one step that no signal can
part, so a use is over when its lock is free, however it ended.
"""

import os
import threading
from dataclasses import dataclass, field


@dataclass(frozen=True, eq=False)
class Use:
    """One use of the resource, under way while its `lock` is held by `owner`."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    owner: tuple[int, int] = field(default_factory=lambda: (os.getpid(), threading.get_ident()))


class Door:
    """Lets uses in until it is shut.

    Entering registers first and looks at `shut` second; shutting does it the other way round.
    So either the use sees the shut door, or whoever shuts it sees the use.
    """

    def __init__(self) -> None:
        self.shut = False
        self._uses: dict[Use, None] = {}

    def enter(self, use: Use) -> bool:
        """Register `use`, whose lock is held by the caller; return whether the door is open."""
        self._uses[use] = None
        return not self.shut

    def leave(self, use: Use) -> bool:
        """Forget `use`; return whether it was the last one out of a shut door."""
        self._uses.pop(use, None)
        return self.shut and not self._under_way()

    def close(self) -> bool:
        """Shut the door and wait until all have left; return whether they have.

        A caller that is itself inside (a signal handler, a finalizer) cannot wait for itself: it
        returns False at once, and the last one out is told by `leave`.
        """
        self.shut = True
        me = Use().owner
        uses = self._under_way()
        if any(use.owner == me for use in uses):
            return False
        for use in uses:
            with use.lock:
                pass
        return True

    def _under_way(self) -> list[Use]:
        """Return the uses of this process; threads of a parent do not exist in a forked child."""
        return [u for u in list(self._uses) if u.lock.locked() and u.owner[0] == os.getpid()]
