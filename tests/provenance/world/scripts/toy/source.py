"""Engine, version -> source.json"""

import sys

from toy.lib import files

engine, version, output = sys.argv[1:]
pin = files.spec(engine)["pins"][version]
files.dump({"engine": engine, "version": version, "pin": pin}, output)
