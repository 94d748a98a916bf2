"""Device memory that frameworks keep for themselves, told from a leak, with the call that ends it.

A caching allocator does not give freed memory back to the device, so the meter sees it as held. The
framework knows how much of that nobody uses. Only those are asked that are imported already, and
only where the driver is in use already: asking must make no context.
"""

import gc
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from pytest_ocrleak.meters import cuda

DEVICES = ("CUDA", "Tensorrt", "NvTensorRTRTX", "ROCM", "MIGraphX", "Dml")
PROVIDERS = frozenset(f"{device}ExecutionProvider" for device in DEVICES)


class Pool(NamedTuple):
    """Bytes that a framework's pool keeps on a device and nobody uses, and how to give them back.

    ``give_back`` is a call as one types it. What lies in one block with something in use stays.
    Where the framework could not be asked ``bytes`` is 0 and ``reason`` says why.
    """

    name: str
    bytes: int
    give_back: str
    reason: str = ""


def retained() -> tuple[Pool, ...]:
    """Return what the pools of the frameworks that are imported keep unused."""
    if not cuda.may_hold():
        return ()
    imported = ((name, sys.modules.get(name)) for name in FRAMEWORKS)
    return tuple(pool for name, module in imported if module for pool in asked(name, module))


def asked(name: str, module: Any) -> Iterator[Pool]:
    """Ask one framework; what it raises is a reason, for a report must not fail by it."""
    pools, give_back = FRAMEWORKS[name]
    try:
        kept = [Pool(where, int(size), give_back) for where, size in pools(module)]
    except Exception as error:  # noqa: BLE001 - whatever it is
        kept = [Pool(name, 0, give_back, f"{type(error).__name__}: {error}")]
    yield from (pool for pool in kept if pool.bytes or pool.reason)


def of_torch(torch: Any) -> Iterator[tuple[str, int]]:
    """Return what PyTorch's caching allocator keeps on each device, once CUDA was initialised."""
    memory = torch.cuda
    if not memory.is_initialized():
        return
    for device in range(memory.device_count()):
        kept = memory.memory_reserved(device) - memory.memory_allocated(device)
        yield f"torch's caching allocator on cuda:{device}", kept


def of_cupy(cupy: Any) -> Iterator[tuple[str, int]]:
    """Return what CuPy's default pool keeps on the current device.

    It answers for the current device alone, and to make another one current would make a context.
    """
    pool = cupy.get_default_memory_pool()
    yield "cupy's default memory pool", pool.total_bytes() - pool.used_bytes()


FRAMEWORKS: dict[str, tuple[Callable[[Any], Iterable[tuple[str, int]]], str]] = {
    "torch": (of_torch, "torch.cuda.empty_cache()"),
    "cupy": (of_cupy, "cupy.get_default_memory_pool().free_all_blocks()"),
}


def holders() -> tuple[str, ...]:
    """Return the living onnxruntime sessions that hold device memory, by model and providers.

    They are looked for among the objects that the garbage collector knows, which are not those
    that were frozen (gc.freeze).
    """
    kind = getattr(sys.modules.get("onnxruntime"), "InferenceSession", None)
    if not isinstance(kind, type):
        return ()
    living = [each for each in gc.get_objects() if issubclass(type(each), kind)]
    return tuple(sorted(name for session in living if (name := holder(session))))


def holder(session: Any) -> str:
    """Return the name of a session that uses a device, or nothing.

    One that was taken apart (its native half is gone) or was never finished holds nothing.
    """
    if getattr(session, "_sess", None) is None:
        return ""
    model = getattr(session, "_model_path", None) or "a model from memory"
    try:
        used = [name for name in session.get_providers() if name in PROVIDERS]
    except Exception as error:  # noqa: BLE001 - whatever it is
        return f"onnxruntime session of {model} (unknown: {type(error).__name__}: {error})"
    return f"onnxruntime session of {model} ({', '.join(used)})" if used else ""
