"""template, perf.csv ... -> report.md"""

import sys

from toy.lib.files import write

output, template, *tables = sys.argv[1:]
parts = [open(template).read(), *(f"\n## {table}\n\n{open(table).read()}" for table in tables)]
write("".join(parts), output)
