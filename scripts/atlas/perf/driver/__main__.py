"""This folder, run by an engine's Python: `python -s driver --request FILE --output FILE`."""

if __name__ == "__main__":
    import sys
    import time

    STARTED = time.monotonic()
    from atlas_driver.drive import main  # type: ignore[import-not-found]

    # The engine must not find this folder on its path. All modules of the driver are imported by now.
    del sys.path[0]
    sys.exit(main(sys.argv[1:], STARTED))
