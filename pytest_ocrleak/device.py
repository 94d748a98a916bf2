"""Waiting for device memory: the driver's figure falls some time after memory was freed."""

from dataclasses import dataclass

from pytest_ocrleak import settle
from pytest_ocrleak.inventory import Amount, Snapshot
from pytest_ocrleak.meters import METERS

PATIENCE = 2.0  # seconds until the figure shows what was freed
METER = "gpu"


@dataclass(slots=True)
class Return:
    """A wait for memory to come back, shorter and shorter once it was seen to stay."""

    patience: float = PATIENCE

    def until(self, before: Snapshot) -> None:
        """Wait until the figure is what it was ``before``, or patience ends."""
        if above(before) and not settle.until(lambda: not above(before), self.patience):
            self.patience /= 4


def above(snapshot: Snapshot) -> bool:
    """Tell whether more device memory is held than a snapshot shows, by the same source.

    A process that held nothing then has made its context since, which stays until it ends: that is
    no growth.
    """
    before = snapshot.readings.get(METER)
    if not isinstance(before, Amount) or not before.value:
        return False
    now = METERS[METER].read()
    return isinstance(now, Amount) and now.source == before.source and now.value > before.value
