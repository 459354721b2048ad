"""template, perf.csv ... -> report.md"""

import sys
from pathlib import Path

from toy.lib.files import write

output, template, *tables = sys.argv[1:]
parts = [Path(template).read_text(), *(f"\n## {table}\n\n{Path(table).read_text()}" for table in tables)]
write("".join(parts), output)
