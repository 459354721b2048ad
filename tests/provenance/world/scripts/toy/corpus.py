"""schema.json, rules.txt -> corpus.json"""

import sys

from toy.lib.files import dump, load

schema, rules, output = sys.argv[1:]
with open(rules) as file:
    dump({"schema": load(schema), "rules": file.read().splitlines()}, output)
