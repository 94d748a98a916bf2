"""Waiting for device memory: the driver's figure falls some time after memory was freed."""

from dataclasses import dataclass

from pytest_ocrleak import settle
from pytest_ocrleak.meters import METERS
from pytest_ocrleak.snapshot import Amount, Reading

PATIENCE = 2.0  # seconds until the figure shows what was freed
METER = "gpu"


@dataclass(slots=True)
class Return:
    """A wait for memory to come back, shorter and shorter once it was seen to stay."""

    patience: float = PATIENCE

    def until(self, before: Reading | None) -> None:
        """Wait until the figure is what it was ``before``, or patience ends.

        A process that held nothing before has made its context since then, which stays until the
        process ends: there is nothing to wait for.
        """
        if not isinstance(before, Amount) or not before.value or not above(before):
            return
        if not settle.until(lambda: not above(before), self.patience):
            self.patience /= 4


def above(before: Amount) -> bool:
    """Tell whether more device memory is held than before, as the same source counts it."""
    now = METERS[METER].read()
    return isinstance(now, Amount) and now.source == before.source and now.value > before.value
