"""Side-by-side benchmarks against peers; never part of the tests."""
