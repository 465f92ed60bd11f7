"""The picture of the ratios to HAProxy: a row for each figure, a mark for each contender, its quartiles as a line."""
import html
import math

from report import ratio_of

COLOURS = {"Fusegate": "#0b6e4f", "HAProxy": "#1d5fa8", "nginx": "#b26a00", "Caddy": "#7b3fa0", "Apache": "#c1121f",
           "relay": "#8a8a8a"}
WIDTH, LEFT, RIGHT, TOP, ROW = 900, 330, 30, 74, 24
LOW, HIGH = 0.1, 8


def x(ratio):
    """On a scale on which twice and half are equally far from one."""
    place = math.log(min(max(ratio, LOW), HIGH) / LOW) / math.log(HIGH / LOW)
    return LEFT + place * (WIDTH - LEFT - RIGHT)


def draw(pairs):
    rows = [(figure, result) for measure, result in pairs for figure in measure.figures
            if figure.plotted and "HAProxy" in result.values[figure.name]]
    height = TOP + ROW * len(rows) + 20
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="12">',
           '<title>Cost of each proxy as a ratio to HAProxy</title>', f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           '<text x="10" y="20" font-size="14" font-weight="bold">Cost as a ratio to HAProxy in the same round; left is cheaper'
           '</text>']
    for place, (name, colour) in enumerate(COLOURS.items()):
        out.append(f'<circle cx="{LEFT + 8 + 88 * place}" cy="38" r="5" fill="{colour}"/>'
                   f'<text x="{LEFT + 18 + 88 * place}" y="42">{name}</text>')
    for mark in (0.125, 0.25, 0.5, 1, 2, 4, 8):
        out.append(f'<line x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="{TOP - 8}" y2="{height - 14}" '
                   f'stroke="{"#1d5fa8" if mark == 1 else "#ddd"}"/>'
                   f'<text x="{x(mark):.1f}" y="{TOP - 12}" text-anchor="middle">{mark:g}</text>')
    for number, (figure, result) in enumerate(rows):
        y = TOP + ROW * number + ROW / 2
        if number % 2 == 0:
            out.insert(3, f'<rect x="0" y="{y - ROW / 2}" width="{WIDTH}" height="{ROW}" fill="#f7f7f7"/>')
        out.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{html.escape(figure.title)}</text>')
        out += [marks(name, ratio_of(result, figure, name, "HAProxy"), y) for name in reversed(COLOURS) if name != "HAProxy"]
    return "\n".join(line for line in out if line) + "\n</svg>\n"


def marks(name, ratio, y):
    if ratio is None:
        return ""
    low, middle, high = ratio
    size = 6 if name == "Fusegate" else 4
    return (f'<line x1="{x(low):.1f}" x2="{x(high):.1f}" y1="{y}" y2="{y}" stroke="{COLOURS[name]}" stroke-width="2"/>'
            f'<circle cx="{x(middle):.1f}" cy="{y}" r="{size}" fill="{COLOURS[name]}"><title>{name} {middle:.2f} '
            f'[{low:.2f}..{high:.2f}]</title></circle>')
