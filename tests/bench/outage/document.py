"""Writes what was measured into the documentation."""
import re

import report


def write_pictures(directory, results, scenarios, times):
    directory.mkdir(parents=True, exist_ok=True)
    for name, rows in results.items():
        (directory / f"{name}.svg").write_text(report.picture(scenarios[name], rows, times))


def write_tables(file, results, scenarios):
    """Between the marks <!-- NAME --> and <!-- end --> of the file; the words around them stay."""
    text = file.read_text()
    for name, rows in results.items():
        body = f"{rows[0]['possible']:.2f} possible.\n\n{report.table(rows)}\n\n![{scenarios[name].meaning}](outages/{name}.svg)"
        text, found = re.subn(rf"(<!-- {name} -->\n).*?(\n<!-- end -->)", lambda mark: mark[1] + body + mark[2], text, flags=re.S)
        if found != 1:
            raise SystemExit(f"error: {file}: no place <!-- {name} --> ... <!-- end -->")
    file.write_text(text)
