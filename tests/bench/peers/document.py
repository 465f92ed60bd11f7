"""Writes what was measured into docs/performance.md and docs/performance/."""
import re

import picture
import report


def write(directory, pairs, machine):
    (directory / "performance").mkdir(parents=True, exist_ok=True)
    peers = [pair for pair in pairs if pair[0].group in report.PEERS]
    if peers:
        (directory / "performance" / "peers.svg").write_text(picture.draw(peers))
    bodies = {"machine": machine, "targets": report.table_of_targets(pairs)}
    for group in report.GROUPS:
        of_group = [pair for pair in pairs if pair[0].group == group]
        if of_group:
            bodies[group] = report.group_tables(group, of_group)
    fill(directory / "performance.md", bodies)


def fill(file, bodies):
    """Puts each body between its mark and the end of it."""
    text = file.read_text()
    for name, body in bodies.items():
        text, found = re.subn(rf"(<!-- {name} -->\n).*?(\n?<!-- end -->)", lambda mark: f"{mark[1]}{body}\n<!-- end -->", text,
                              flags=re.S)
        if found != 1:
            raise SystemExit(f"error: {file}: no place <!-- {name} --> ... <!-- end -->")
    file.write_text(text)
