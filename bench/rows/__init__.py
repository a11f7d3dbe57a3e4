"""The rows of the table, in its order."""

from rows import answers, bodies, build, engine, gateway, images, imports, load, manifest, rules, statistics

ROWS = [
    *bodies.ROWS,
    *answers.ROWS,
    *images.ROWS,
    *load.ROWS,
    *manifest.ROWS,
    *imports.ROWS,
    *engine.ROWS,
    *rules.ROWS,
    *statistics.ROWS,
    *gateway.ROWS,
    *build.ROWS,
]
