"""What frameworks' pools keep of a device, and which sessions hold it.

No device is needed: small modules stand in for torch and cupy, with exactly the functions that
their documentation has, over a pool that counts. They prove what is asked and what is made of the
answers, and no framework. The sessions are onnxruntime's own, on the CPU, under another provider's
name.
"""

import gc
import sys
from importlib.resources import files
from types import ModuleType, SimpleNamespace
from typing import Any

import onnxruntime
import pytest

from pytest_ocrleak.causes import attribution
from pytest_ocrleak.inventory import Amount
from pytest_ocrleak.meters import cuda, gpu, pools
from pytest_ocrleak.meters.pools import Pool, holders, retained

MODEL = str(files("ocrleak_engine") / "models" / "ppocrv6_tiny_rec.onnx")
TORCH = "torch's caching allocator on cuda:1"
CUPY = "cupy's default memory pool"


@pytest.fixture(autouse=True)
def driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the process be one that uses a device, and has imported no framework."""
    monkeypatch.setattr(cuda, "may_hold", lambda: True)
    for name in pools.FRAMEWORKS:
        monkeypatch.delitem(sys.modules, name, raising=False)


def test_what_a_pool_keeps_is_no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both meters of a device are read without it; the parts say how much it is."""
    memory = Memory(0, 500)
    monkeypatch.setitem(sys.modules, "torch", torch(memory))
    held = Amount(800, "NVML process rows", {"GPU-1": 800}, 780)
    assert gpu.in_use(held) == held
    memory.let_go(1)
    left = gpu.in_use(held)
    assert isinstance(left, Amount)
    assert (left.value, left.other) == (300, 280)
    assert left.parts == {"GPU-1": 800, TORCH: -500}
    assert attribution.of_device() == (
        f"{TORCH}: torch.cuda.empty_cache() gives back what nobody uses",
    )
    memory.empty()
    assert gpu.in_use(Amount(300, "NVML process rows")) == Amount(300, "NVML process rows")


class Memory:
    """A pool: what is let go stays with it until it is emptied."""

    def __init__(self, *used: int) -> None:
        self.used = list(used)
        self.kept = [0] * len(used)

    def let_go(self, device: int) -> None:
        """Stop using all of a device's memory."""
        self.kept[device] += self.used[device]
        self.used[device] = 0

    def empty(self) -> None:
        """Give what nobody uses back to the device."""
        self.kept = [0] * len(self.kept)


def torch(memory: Memory, *, initialized: bool = True) -> ModuleType:
    """Return a stand-in for PyTorch."""
    module: Any = ModuleType("torch")
    module.cuda = SimpleNamespace(
        is_initialized=lambda: initialized,
        device_count=lambda: len(memory.used),
        memory_allocated=lambda device: memory.used[device],
        memory_reserved=lambda device: memory.used[device] + memory.kept[device],
        empty_cache=memory.empty,
    )
    return module


def cupy(memory: Memory) -> ModuleType:
    """Return a stand-in for CuPy, with its first device current."""
    module: Any = ModuleType("cupy")
    pool = SimpleNamespace(
        used_bytes=lambda: memory.used[0],
        total_bytes=lambda: memory.used[0] + memory.kept[0],
        free_all_blocks=memory.empty,
    )
    module.get_default_memory_pool = lambda: pool
    return module


def test_what_pytorch_keeps_unused_is_told_with_what_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Memory in use is nobody's pool; once let go it is, and the call that is told ends it."""
    memory = Memory(300, 500)
    module = torch(memory)
    monkeypatch.setitem(sys.modules, "torch", module)
    assert retained() == ()
    memory.let_go(1)
    assert retained() == (Pool(TORCH, 500, "torch.cuda.empty_cache()"),)
    eval(retained()[0].give_back, {"torch": module})  # noqa: S307 - as the user types it
    assert retained() == ()
    assert memory.used == [300, 0]


def test_pytorch_that_has_not_used_the_device_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """To ask for a device's memory could make a context."""
    memory = Memory(300)
    memory.let_go(0)
    monkeypatch.setitem(sys.modules, "torch", torch(memory, initialized=False))
    assert retained() == ()


def test_what_cupy_keeps_unused_is_told_with_what_gives_it_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same for its default pool."""
    memory = Memory(700)
    module = cupy(memory)
    monkeypatch.setitem(sys.modules, "cupy", module)
    assert retained() == ()
    memory.let_go(0)
    give_back = "cupy.get_default_memory_pool().free_all_blocks()"
    assert retained() == (Pool(CUPY, 700, give_back),)
    eval(give_back, {"cupy": module})  # noqa: S307 - as the user types it
    assert retained() == ()


def test_a_framework_that_fails_is_a_reason_and_the_other_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lost device, and a module that is only half imported."""
    memory = Memory(700)
    memory.let_go(0)
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    monkeypatch.setitem(sys.modules, "cupy", cupy(memory))
    half, whole = retained()
    assert (half.name, half.bytes, whole.bytes) == ("torch", 0, 700)
    assert half.reason.startswith("AttributeError: ")
    lost = torch(memory)

    def fail(_: int) -> int:
        raise RuntimeError("the device is lost")

    monkeypatch.setattr(lost.cuda, "memory_reserved", fail)
    monkeypatch.setitem(sys.modules, "torch", lost)
    assert retained()[0].reason == "RuntimeError: the device is lost"


def test_nothing_is_asked_where_no_driver_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    """A framework that is imported and not used may set the driver up when it is asked."""
    monkeypatch.setattr(cuda, "may_hold", lambda: False)
    monkeypatch.setitem(sys.modules, "cupy", ModuleType("cupy"))
    assert retained() == ()


def test_nothing_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who has no framework, or forbids it, is not given one."""
    assert retained() == ()
    assert not set(pools.FRAMEWORKS) & set(sys.modules)
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert retained() == ()
    assert holders() == ()


class OnDevice(onnxruntime.InferenceSession):  # type: ignore[misc] # it has no types
    """A session that says it runs on a device."""

    def __init__(self) -> None:
        super().__init__(MODEL, providers=["CPUExecutionProvider"])

    def get_providers(self) -> list[str]:
        """Return the names as a build for CUDA has them."""
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def test_a_session_on_a_device_is_named_as_long_as_it_lives() -> None:
    """By its model and provider; one on the CPU holds no device memory."""
    here = onnxruntime.InferenceSession(MODEL, providers=["CPUExecutionProvider"])
    there = OnDevice()
    assert holders() == (f"onnxruntime session of {MODEL} (CUDAExecutionProvider)",)
    assert here.get_providers() == ["CPUExecutionProvider"]
    del there
    gc.collect()
    assert holders() == ()


def test_a_session_that_was_taken_apart_holds_nothing() -> None:
    """Some engines drop the native half and keep the object."""
    session = OnDevice()
    session._sess = None
    assert holders() == ()


def test_a_session_that_does_not_answer_is_named_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may hold memory, and nothing is raised."""
    session = OnDevice()

    def fail(_: OnDevice) -> list[str]:
        raise RuntimeError("planted")

    monkeypatch.setattr(OnDevice, "get_providers", fail)
    assert holders() == (f"onnxruntime session of {MODEL} (unknown: RuntimeError: planted)",)
    del session
