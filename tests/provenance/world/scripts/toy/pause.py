"""Make a file, and wait to be killed."""

import sys
import time

with open(sys.argv[1], "w"):
    time.sleep(60)
