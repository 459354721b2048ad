"""corpus.json -> perf.csv"""

import sys

from toy.lib import gpu
from toy.lib.files import load, write

corpus, repeats, warmup, output = sys.argv[1:]
times = gpu.run(load(corpus)["schema"]["pin"], int(repeats))
write("i,ms\n" + "".join(f"{i},{ms}\n" for i, ms in enumerate(times)), output)
