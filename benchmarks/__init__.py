"""Measurements of speed and memory: figures to read, never tests that fail on a busy machine."""
