"""Plain bars and lines as SVG, readable on light and on dark."""

from math import ceil, floor, log10
from xml.sax.saxutils import escape

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .case { font-weight: 600; }
  .bar { fill: #9aa4b0; }
  .ours { fill: #0969da; }
  .ratio { fill: #57606a; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  .line { fill: none; stroke-width: 2; }
  .small { font-size: 10px; }
  .s0 { stroke: #0969da; } .t0 { fill: #0969da; }
  .s1 { stroke: #bf8700; } .t1 { fill: #9a6700; }
  .s2 { stroke: #1a7f37; } .t2 { fill: #1a7f37; }
  .s3 { stroke: #8250df; } .t3 { fill: #8250df; }
  .s4 { stroke: #cf222e; } .t4 { fill: #cf222e; }
  @media (prefers-color-scheme: dark) {
    .grid { stroke: #30363d; }
    .s0 { stroke: #4493f8; } .t0 { fill: #4493f8; }
    .s1 { stroke: #d29922; } .t1 { fill: #d29922; }
    .s2 { stroke: #3fb950; } .t2 { fill: #3fb950; }
    .s3 { stroke: #ab7df8; } .t3 { fill: #ab7df8; }
    .s4 { stroke: #f85149; } .t4 { fill: #f85149; }
    text { fill: #e6edf3; }
    .bar { fill: #59636e; }
    .ours { fill: #4493f8; }
    .ratio { fill: #9198a1; }
  }
"""

WIDTH, LABELS, VALUES = 760, 190, 150
LINE, GAP = 18, 14


def bars(title, groups, ours):
    """A group of bars per case, each group to a scale of its own; `groups` maps a case to (name, value, ratio)."""
    parts, y = [], 48
    for case, lines in groups.items():
        parts.append(f'<text class="case" x="0" y="{y}">{escape(case)}</text>')
        y += 6
        most = max((value for _, value, _ in lines), default=0) or 1
        for name, value, ratio in lines:
            length = max(1, round((WIDTH - LABELS - VALUES) * value / most))
            kind = "bar ours" if name in ours else "bar"
            middle = y + LINE - 5
            parts.append(f'<text x="{LABELS - 8}" y="{middle}" text-anchor="end">{escape(name)}</text>')
            parts.append(f'<rect class="{kind}" x="{LABELS}" y="{y + 2}" width="{length}" height="{LINE - 4}" rx="2"/>')
            shown = short(value) + ("" if ratio != ratio else f" · {ratio:.2f}")
            parts.append(f'<text class="ratio" x="{LABELS + length + 6}" y="{middle}">{shown}</text>')
            y += LINE
        y += GAP + LINE
    return svg(title, y, parts)


COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 2, 355, 150
LEFT, BELOW, COLORS = 44, 40, 5


def lines(title, panels):
    """Panels with both axes logarithmic; `panels` maps a caption to the lines in it, by name, as points."""
    parts, y = [], 30
    captions = list(panels)
    for row in range(0, len(captions), COLUMNS):
        in_row = captions[row : row + COLUMNS]
        names = max(len(panels[caption]) for caption in in_row)
        for column, caption in enumerate(in_row):
            parts += panel(caption, panels[caption], column * (WIDTH // COLUMNS), y, names)
        y += 24 + names * 14 + PANEL_HEIGHT + BELOW
    return svg(title, y, parts)


def panel(caption, series, x, y, names):
    parts = [f'<text class="case" x="{x}" y="{y + 12}">{escape(caption)}</text>']
    for number, name in enumerate(series):
        color = number % COLORS
        parts.append(f'<text class="t{color} small" x="{x + LEFT}" y="{y + 28 + number * 14}">{escape(name)}</text>')
    top = y + 24 + names * 14
    points = [point for line in series.values() for point in line]
    (x_low, x_high), (y_low, y_high) = decades(p[0] for p in points), decades(p[1] for p in points)

    def at(point):
        along = (log10(point[0]) - x_low) / (x_high - x_low)
        up = (log10(point[1]) - y_low) / (y_high - y_low)
        return x + LEFT + along * (PANEL_WIDTH - LEFT), top + (1 - up) * PANEL_HEIGHT

    for power in range(x_low, x_high + 1):
        left, _ = at((10**power, 10**y_low))
        parts.append(f'<path class="grid" d="M{left:.1f} {top}V{top + PANEL_HEIGHT}"/>')
        label = f'x="{left:.1f}" y="{top + PANEL_HEIGHT + 14}" text-anchor="middle"'
        parts.append(f'<text class="small ratio" {label}>{short(10**power)}</text>')
    for power in range(y_low, y_high + 1):
        _, height = at((10**x_low, 10**power))
        parts.append(f'<path class="grid" d="M{x + LEFT} {height:.1f}H{x + PANEL_WIDTH}"/>')
        label = f'x="{x + LEFT - 6}" y="{height + 4:.1f}" text-anchor="end"'
        parts.append(f'<text class="small ratio" {label}>{short(10**power)}</text>')
    for number, line in enumerate(series.values()):
        path = "L".join("{:.1f} {:.1f}".format(*at(point)) for point in sorted(line))
        parts.append(f'<path class="line s{number % COLORS}" d="M{path}"/>')
    return parts


def decades(values):
    """The powers of ten around positive values."""
    values = list(values)
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def svg(title, height, parts):
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="0" y="18">{escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def short(value):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"
