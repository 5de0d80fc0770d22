# SPDX-License-Identifier: GPL-2.0
"""The history of the main ratios as SVG: a panel for each, a line for each kernel."""

from xml.sax.saxutils import escape

from figures_text import INSTRUCTIONS, by_name

COLUMNS = 3
PANEL_WIDTH, PANEL_HEIGHT = 330, 214
PLOT_LEFT, PLOT_TOP, PLOT_WIDTH, PLOT_HEIGHT = 44, 50, 232, 116
TOP, MARGIN = 84, 16

COLORS = ["#1f6fb4", "#d9700f", "#2d8a4e", "#8250a8"]
INK, FAINT, GRID, TARGET = "#24292f", "#6e7781", "#e4e7eb", "#c0392b"


def text(x, y, content, size=11, anchor="start", color=INK, weight="normal"):
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" '
            f'fill="{color}" font-weight="{weight}">{escape(content)}</text>')


def line(x1, y1, x2, y2, color, width=1.0, dash=""):
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" '
            f'stroke="{color}" stroke-width="{width}"{dashes}/>')


def step_for(most):
    """A round distance of grid lines, of which there are to be two to five."""
    for step in (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50):
        if most / step <= 5:
            return step
    return most / 4


def histories(records):
    """(work, peer) -> series -> ratios, one for each record or None: of rows that are still
    among the main ones."""
    rows = [by_name(figures) for figures in records]
    return {
        name: {series: [figures.get(name, {}).get(series, {}).get("ratio") for figures in rows]
               for series in by_series}
        for name, by_series in rows[-1].items()
        if any(row.get("headline") and row.get("unit") == INSTRUCTIONS
               for row in by_series.values())
    }


class Panel:
    """One ratio. Its axis starts at 0, so that heights can be compared."""

    def __init__(self, name, lines, target, labels):
        self.name, self.lines, self.target, self.labels = name, lines, target, labels
        values = [value for ratios in lines.values() for value in ratios if value is not None]
        self.most = 1.12 * max(values + [target or 0])

    def x(self, i):
        if len(self.labels) == 1:
            return PLOT_LEFT + PLOT_WIDTH / 2
        return PLOT_LEFT + 8 + i * (PLOT_WIDTH - 16) / (len(self.labels) - 1)

    def y(self, value):
        return PLOT_TOP + PLOT_HEIGHT * (1 - value / self.most)

    def title(self):
        work, peer = self.name
        return [text(PLOT_LEFT - 28, 18, work, 12.5, weight="bold"),
                text(PLOT_LEFT - 28, 34, f"beside {peer}", 11, color=FAINT)]

    def grid(self):
        right, step, drawn = PLOT_LEFT + PLOT_WIDTH, step_for(self.most), []
        for i in range(int(self.most / step) + 1):
            y = self.y(i * step)
            drawn.append(line(PLOT_LEFT, y, right, y, FAINT if i == 0 else GRID))
            drawn.append(text(PLOT_LEFT - 6, y + 3.5, f"{i * step:g}", 10, "end", FAINT))
        if self.target:
            y = self.y(self.target)
            drawn.append(line(PLOT_LEFT, y, right, y, TARGET, 1.2, "5 3"))
        return drawn

    def commits(self):
        """As many names as there is room for; the newest has one always."""
        y, every = PLOT_TOP + PLOT_HEIGHT, -(-len(self.labels) // 4)
        drawn = []
        for i, label in enumerate(self.labels):
            drawn.append(line(self.x(i), y, self.x(i), y + 3, FAINT))
            if (len(self.labels) - 1 - i) % every == 0:
                drawn.append(text(self.x(i), y + 15, label[0], 9.5, "middle", FAINT))
                drawn.append(text(self.x(i), y + 27, label[1], 9.5, "middle", FAINT))
        return drawn

    def curve(self, ratios, color):
        points = [(self.x(i), self.y(value)) for i, value in enumerate(ratios) if value is not None]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        return [f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"/>'] + \
               [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{color}"/>' for x, y in points]

    def newest(self):
        """The last values at the right end, apart from one another."""
        ends = sorted(((self.y(ratios[-1]), ratios[-1], color)
                       for ratios, color in zip(self.lines.values(), COLORS)
                       if ratios[-1] is not None))
        drawn, above = [], 0
        lift = sum(max(0, 12 - (low[0] - high[0])) for high, low in zip(ends, ends[1:])) / 2
        for y, value, color in ends:
            above = max(y + 3.5 - lift, above + 12)
            drawn.append(text(PLOT_LEFT + PLOT_WIDTH + 5, above, f"{value:.2f}", 11, color=color,
                              weight="bold"))
        return drawn

    def draw(self):
        drawn = self.title() + self.grid() + self.commits()
        drawn.append(text(PLOT_LEFT - 6, PLOT_TOP - 5, "ratio", 10, "end", FAINT))
        for ratios, color in zip(self.lines.values(), COLORS):
            drawn += self.curve(ratios, color)
        return drawn + self.newest()


def legend(series):
    drawn, x = [], MARGIN + 16
    for one, color in zip(series, COLORS):
        drawn += [line(x, 66, x + 24, 66, color, 1.8),
                  f'<circle cx="{x + 12}" cy="66" r="3" fill="{color}"/>',
                  text(x + 30, 70, f"Linux {one}")]
        x += 118
    return drawn + [line(x, 66, x + 24, 66, TARGET, 1.2, "5 3"),
                    text(x + 30, 70, "target (a ratio to stay below)")]


def panels(records):
    newest = by_name(records[-1])
    labels = [(figures["commit"][:7], figures["date"][:10]) for figures in records]
    for name, lines in histories(records).items():
        target = next((row.get("target") for row in newest[name].values()), None)
        yield Panel(name, lines, target, labels)


def draw(records):
    drawn, count = [], 0
    for count, panel in enumerate(panels(records), 1):
        x = MARGIN + (count - 1) % COLUMNS * PANEL_WIDTH
        y = TOP + (count - 1) // COLUMNS * PANEL_HEIGHT
        drawn += [f'<g transform="translate({x} {y})">', *panel.draw(), "</g>"]
    width = 2 * MARGIN + COLUMNS * PANEL_WIDTH
    height = TOP + -(-count // COLUMNS) * PANEL_HEIGHT + MARGIN
    series = list(dict.fromkeys(run["series"] for run in records[-1]["runs"]))
    head = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="sans-serif">',
        "<title>What a page costs with vmlab, as a ratio to its peers, by commit</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        text(MARGIN + 16, 28, "What a page costs with vmlab, as a ratio to its peer", 17,
             weight="bold"),
        text(MARGIN + 16, 48, "Instructions of vmlab divided by those of the peer, over the commits "
             "that recorded them. 1 is as much as the peer; less is better.", 12, color=FAINT),
    ]
    return "\n".join(head + legend(series) + drawn + ["</svg>"]) + "\n"
