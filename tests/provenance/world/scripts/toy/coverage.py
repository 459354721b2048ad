"""schema.json ... -> coverage.md"""

import sys

from toy.lib.files import load, write

output, *schemas = sys.argv[1:]
write("".join(f"- {schema}: {len(load(schema)['fields'])}\n" for schema in schemas), output)
