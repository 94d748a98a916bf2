"""All scenes, in the order in which they are checked."""

from verdict_bench import (  # noqa: F401 - each adds its scenes
    clean_caches,
    clean_data,
    clean_native,
    clean_objects,
    clean_system,
    leaks,
)
from verdict_bench.scene import SCENES

__all__ = ["SCENES"]
