"""Plain bars as SVG, readable on light and on dark."""

from xml.sax.saxutils import escape

STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .title { font-size: 15px; font-weight: 600; }
  .case { font-weight: 600; }
  .bar { fill: #9aa4b0; }
  .ours { fill: #0969da; }
  .ratio { fill: #57606a; }
  @media (prefers-color-scheme: dark) {
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
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{STYLE}</style>",
            f'<text class="title" x="0" y="18">{escape(title)}</text>',
            *parts,
            "</svg>\n",
        ]
    )


def short(value):
    for limit, unit in ((1e6, "M"), (1e3, "k")):
        if value >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:.3g}"
