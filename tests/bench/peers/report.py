"""Ratios, verdicts and tables (Markdown, on the screen and in the document)."""
import os
import statistics

from contenders import CONTENDERS

GROUPS = {"cpu": "CPU", "latency": "Latency at a fixed rate", "memory": "Memory and start-up",
          "counts": "Instructions and system calls", "alone": "Two ways of Fusegate", "features": "What each feature costs",
          "growth": "What grows"}
PEERS = ("cpu", "latency", "memory", "counts")   # Groups of which a row is a figure and a column a contender.


def quartiles(values):
    """(lower quartile, median, upper quartile)."""
    if len(values) < 2:
        return values[0], values[0], values[0]
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, middle, high


def ratios(values, base):
    """Quartiles of the ratios that are formed inside each round; None where the base is nothing or noise."""
    pairs = [(value, under) for value, under in zip(values, base) if under > 0]
    return quartiles([value / under for value, under in pairs]) if len(pairs) * 2 > len(base) else None


def number(value, digits):
    return f"{value:,.{digits}f}"


def ratio_of(result, figure, name, base):
    values = result.values[figure.name]
    return ratios(values[name], values[base]) if name in values and base in values else None


def table_of_peers(pairs):
    """Of measures with all contenders: ratios to HAProxy, whose own column has the figure."""
    names = list(CONTENDERS)
    first = "figure (ratio to HAProxy)" if pairs[0][0].group in ("memory", "counts") else "ratio to HAProxy, median [quartiles]"
    lines = [f"| {first} | HAProxy itself | " + " | ".join(it for it in names if it != "HAProxy") + " |",
             "|---" * (len(names) + 1) + "|"]
    for measure, result in pairs:
        for figure in measure.figures:
            cells = [cell(measure, result, figure, name) for name in names if name != "HAProxy"]
            own = result.values[figure.name].get("HAProxy")
            unit = f" {figure.unit}" if figure.unit else ""
            itself = f"{number(statistics.median(own), figure.digits)}{unit}" if own else "–"
            lines.append(f"| {figure.title} | {itself} | {' | '.join(cells)} |")
    return "\n".join(lines) + reasons(pairs)


def cell(measure, result, figure, name):
    values = result.values[figure.name].get(name)
    if not values:
        return "–"
    middle, ratio = number(statistics.median(values), figure.digits), ratio_of(result, figure, name, "HAProxy")
    if ratio is None or not figure.plotted:
        return middle
    strong = "**" if name == "Fusegate" else ""
    if measure.group in ("memory", "counts"):
        return f"{strong}{middle}{strong} ({ratio[1]:.2f})"
    spread = "" if len(values) < 2 else f" [{ratio[0]:.2f}..{ratio[2]:.2f}]"
    return f"{strong}{ratio[1]:.2f}{strong}{spread}"


def reasons(pairs):
    """Why there are dashes."""
    found = {}
    for measure, result in pairs:
        for name, reason in result.missing.items():
            found.setdefault(f"{name} {reason}", []).append(measure.name)
    notes = [measure.note for measure, _ in pairs if measure.note]
    dashes = [f"{reason} ({', '.join(where)})" for reason, where in found.items()]
    text = ("Dashes: " + "; ".join(dashes) + "." if dashes else "") + (" " if dashes and notes else "") + " ".join(notes)
    return f"\n\n{text}" if text else ""


def table_alone(measure, result):
    """Of a measure with a cast of its own: a row for each, ratios to the first."""
    columns = " | ".join(f"{it.title}{', ' + it.unit if it.unit else ''}" for it in measure.figures)
    lines = [f"| {measure.title} | {columns} |", "|---" * (len(measure.figures) + 1) + "|"]
    names = [name for name in measure.cast if name in result.values[measure.figures[0].name]]
    for name in names:
        cells = []
        for figure in measure.figures:
            middle = statistics.median(result.values[figure.name][name])
            text = number(middle, figure.digits)
            ratio = ratio_of(result, figure, name, measure.base)
            if measure.group == "features" and name != measure.base:
                text += f" ({middle - statistics.median(result.values[figure.name][measure.base]):+,.0f})"
            elif ratio and name != measure.base:
                text += f" ({ratio[1]:.2f})"
            cells.append(text)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + reasons([(measure, result)])


def group_tables(group, pairs):
    if group in PEERS:
        return table_of_peers(pairs)
    return "\n\n".join(table_alone(measure, result) for measure, result in pairs)


def verdicts(measure, result):
    """(name of the figure, bound, measured, held) of each bound; held is None where it cannot be judged."""
    for figure in measure.figures:
        for bound in figure.bounds:
            values = result.values[figure.name]
            if bound.who not in values or (bound.over and bound.over not in values):
                continue
            if bound.difference:
                found = statistics.median(values[bound.who]) - statistics.median(values[bound.over])
            elif bound.over:
                ratio = ratios(values[bound.who], values[bound.over])
                found = ratio[1] if ratio else None
            else:
                found = statistics.median(values[bound.who])
            judged = found is not None and (os.cpu_count() or 1) >= bound.cores
            held = (found >= bound.must if bound.at_least else found <= bound.must) if judged else None
            yield figure, bound, found, held


def what(measure, figure, bound):
    """The figure of a bound, in words."""
    title = figure.title if measure.group in PEERS or measure.group == "alone" and len(measure.figures) == 1 else (
        f"{measure.title}: {figure.title}")
    if bound.difference:
        return f"{title}, {bound.who} minus {bound.over}"
    over = {"": f" ({figure.unit})", "HAProxy": " / HAProxy", "nginx": " / nginx"}.get(bound.over, f" / {bound.over}")
    return title + over


def digits_of(figure, bound):
    return 2 if bound.over and not bound.difference else figure.digits


def verdict_line(measure, figure, bound, found, held):
    word = {True: "holds ", False: "MISSED", None: "------"}[held]
    value = "lost in the noise" if found is None else number(found, digits_of(figure, bound))
    side = "at least" if bound.at_least else "at most"
    why = f"; not judged with fewer than {bound.cores} cores" if held is None and found is not None else ""
    return f"  {word}  {measure.name}: {what(measure, figure, bound)} {value}, {side} {bound.must:g}, aim {bound.aim:g}{why}"


def relay_at(pairs, measure, result, figure, bound):
    """What the relay has in the place of Fusegate, in words: the floor of the machine where the kernel's part is large."""
    if bound.over in ("HAProxy", "nginx"):
        found = ratio_of(result, figure, "relay", bound.over)
    else:
        own = dict((it.name, its) for it, its in pairs).get(measure.name.replace("fusegate", "relay"))
        found = ratio_of(own, figure, bound.who.replace("Fusegate", "relay"), "relay") if bound.over and own else None
    return f"{found[1]:.2f}" if found and measure.group in ("cpu", "latency", "alone") else ""


def table_of_targets(pairs):
    lines = ["| target | must | aim | measured | | the relay |", "|---|---|---|---|---|---|"]
    for measure, result in pairs:
        for figure, bound, found, held in verdicts(measure, result):
            reached = found is not None and (found >= bound.aim if bound.at_least else found <= bound.aim)
            word = {True: "aim reached" if reached else "held", False: "missed", None: "not judged"}[held]
            value = "noise" if found is None else number(found, digits_of(figure, bound))
            lines.append(f"| {what(measure, figure, bound)} | {bound.must:g} | {bound.aim:g} | {value} | {word} | "
                         f"{relay_at(pairs, measure, result, figure, bound)} |")
    return "\n".join(lines)
