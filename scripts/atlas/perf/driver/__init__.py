"""The driver's place; it runs in an engine's environment, and is no part of this package there."""

from pathlib import Path

from atlas.perf.driver.atlas_driver import bench, drive, journal, protocols

# The imports are what makes the driver a part of this code, whose changes make records stale.
DRIVER = Path(__file__).parent
__all__ = ["DRIVER", "bench", "drive", "journal", "protocols"]
