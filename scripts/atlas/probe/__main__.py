"""This folder, run by an engine's Python: `python -s probe --request request.json --output facts.json`."""

if __name__ == "__main__":
    import sys

    from atlas_probe.command import main  # type: ignore[import-not-found]

    # The engine must not find this folder on its path. All modules of the probe are imported by now.
    del sys.path[0]
    main(sys.argv[1:])
