"""The parts of benchmarks/verdict.py."""
