"""Figures of the offline chain on inputs with known truth. Run the modules: python -m benchmarks.NAME."""
