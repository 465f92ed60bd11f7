"""Figures of the runs as a table, as JSON and as pictures."""
import html

COLOURS = {"Fusegate": "#0b6e4f", "Fusegate fixed limit": "#8fc9a8", "nothing": "#8a8a8a", "naive retries": "#c1121f",
           "HAProxy": "#1d5fa8", "HAProxy tuned": "#7fb2e5", "nginx": "#b26a00", "Caddy": "#7b3fa0"}


def figures(run, scenario, model, times):
    """What the table shows of one run."""
    possible = scenario.possible(model)
    fault = (times.calm, times.end)
    good = run.share_good(*fault)
    return {"scenario": run.scenario, "contender": run.contender, "possible": possible,
            "calm": run.share_good(min(2, times.calm / 2), times.calm), "fault": good, "of_possible": good / possible,
            "after": run.share_good(times.end, times.total), "attempts": run.attempts(*fault),
            "attempts_calm": run.attempts(min(2, times.calm / 2), times.calm), "p99_ms": run.p99(*fault),
            "recovery_s": run.recovery(times.end, times.total),
            "seconds": [run.share_good(at, at + 1) for at in range(int(times.total))]}


def _seconds(value):
    return "never" if value is None else f"{value:.1f} s"


def table(rows):
    """Markdown; the best of each column bold."""
    best = {"fault": max(row["fault"] for row in rows),
            "recovery_s": min((row["recovery_s"] for row in rows if row["recovery_s"] is not None), default=None)}
    lines = ["| | good before | good during | of the possible | good after | attempts a request | p99 of the good | recovered after |",
             "|---|---|---|---|---|---|---|---|"]
    for row in rows:
        strong = "**" if row["fault"] >= best["fault"] - 0.005 else ""
        p99 = "" if row["p99_ms"] is None else f"{row['p99_ms']:.0f} ms"
        lines.append(f"| {row['contender']} | {row['calm']:.3f} | {strong}{row['fault']:.2f}{strong} | {row['of_possible']:.0%} | "
                     f"{row['after']:.2f} | {row['attempts']:.2f} | {p99} | {_seconds(row['recovery_s'])} |")
    return "\n".join(lines)


def picture(scenario, rows, times):
    """Good answers, as a share of what was asked, over time: one line for each contender."""
    width, height, left, top, right, bottom = 860, 320, 52, 40, 170, 36
    total = len(rows[0]["seconds"])

    def x(second):
        return left + second / total * (width - left - right)

    def y(share):
        return top + (1 - share) * (height - top - bottom)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
           f'<title>{html.escape(scenario.name)}: {html.escape(scenario.meaning)}</title>',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="{left}" y="20" font-size="14" font-weight="bold">{html.escape(scenario.name)}: '
           f'{html.escape(scenario.meaning)}</text>',
           f'<rect x="{x(times.calm):.1f}" y="{top}" width="{x(times.end) - x(times.calm):.1f}" '
           f'height="{height - top - bottom}" fill="#f4ece4"/>']
    for share in (0, 0.25, 0.5, 0.75, 1):
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y(share):.1f}" y2="{y(share):.1f}" stroke="#ddd"/>'
                   f'<text x="{left - 6}" y="{y(share) + 4:.1f}" text-anchor="end">{share:.0%}</text>')
    for second in range(0, total + 1, 10):
        out.append(f'<text x="{x(second):.1f}" y="{height - bottom + 16}" text-anchor="middle">{second} s</text>')
    possible = y(rows[0]["possible"])
    out.append(f'<line x1="{x(times.calm):.1f}" x2="{x(times.end):.1f}" y1="{possible:.1f}" y2="{possible:.1f}" '
               'stroke="#444" stroke-dasharray="5 4"/>')
    for place, row in enumerate(rows):
        colour = COLOURS[row["contender"]]
        points = " ".join(f"{x(second + 0.5):.1f},{y(share):.1f}" for second, share in enumerate(row["seconds"]) if share is not None)
        wide = 2.6 if row["contender"] == "Fusegate" else 1.3
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="{wide}"/>')
        label = top + 14 + 20 * place
        out.append(f'<line x1="{width - right + 12}" x2="{width - right + 32}" y1="{label - 4}" y2="{label - 4}" stroke="{colour}" '
                   f'stroke-width="{wide}"/><text x="{width - right + 38}" y="{label}">{html.escape(row["contender"])}</text>')
    label = top + 14 + 20 * len(rows)
    out.append(f'<line x1="{width - right + 12}" x2="{width - right + 32}" y1="{label - 4}" y2="{label - 4}" stroke="#444" '
               f'stroke-dasharray="5 4"/><text x="{width - right + 38}" y="{label}">possible</text></svg>')
    return "\n".join(out) + "\n"
