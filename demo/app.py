"""The demo with its defaults, for places that want a script to start: the same as `vc demo`."""

import sys

from vc.cli import main

if __name__ == "__main__":
    sys.exit(main(["demo", *sys.argv[1:]]))
