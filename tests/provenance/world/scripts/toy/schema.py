"""source.json -> schema.json, names.txt"""

import sys


def main(engine, source, schema, names):
    from .lib.discover import discover  # only when it is needed
    from .lib.files import dump, load, spec, write

    found = load(source)
    fields = discover(spec(engine)["surfaces"][found["version"]])
    dump({"pin": found["pin"], "fields": fields}, schema)
    write("\n".join(fields) + "\n", names)


main(*sys.argv[1:])
