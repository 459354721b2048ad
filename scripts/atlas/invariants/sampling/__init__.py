"""Configurations to try: random ones, systematic ones, and ones on both sides of a predicate's boundary.

Everything is drawn from a seed, and is the same in every process, whatever its hash seed.
"""
