// The last twelve hours by the quarter: issued upwards, refused downwards, so that no colour is needed to tell them apart.
import { as, el, svg, table } from "./dom.js";
import { t } from "./i18n.js";
import { clock, number } from "./format.js";

const left = 52, right = 8, top = 12, bottom = 26;

// The next of 1, 2, 5, 10, 20, 50 ... that is not less.
function roundUp(n) {
  const power = 10 ** Math.floor(Math.log10(Math.max(n, 1)));
  return [1, 2, 5, 10].find((step) => step * power >= n) * power;
}

const sum = (quarters, what) => quarters.reduce((all, quarter) => all + quarter[what], 0);

function bars(quarters, width, zero, scale) {
  const step = (width - left - right) / quarters.length, bar = Math.max(1, step * 0.78);
  const rect = (i, kind, y, height) => svg("rect", { class: kind, x: (left + i * step).toFixed(1), y: y.toFixed(1), width: bar.toFixed(1), height: height.toFixed(1) });
  return quarters.map((quarter, i) => [
    quarter.issued > 0 ? rect(i, "issued", zero - Math.max(1, quarter.issued * scale), Math.max(1, quarter.issued * scale)) : null,
    quarter.refused > 0 ? rect(i, "refused", zero + 1, Math.max(2, quarter.refused * scale)) : null,
  ]);
}

function hours(quarters, width, height) {
  const step = (width - left - right) / quarters.length, every = width < 560 ? 3 : 1;
  return quarters.map((quarter, i) => {
    const at = new Date(quarter.from);
    if (at.getMinutes() !== 0 || at.getHours() % every !== 0) return null;
    const x = (left + i * step).toFixed(1);
    return [svg("line", { class: "tick", x1: x, x2: x, y1: height - bottom, y2: height - bottom + 5 }),
      svg("text", { x, y: height - 6, "text-anchor": "middle" }, number(at.getHours()))];
  });
}

function drawing(quarters, width, height) {
  const most = roundUp(Math.max(...quarters.map((quarter) => quarter.issued), 1));
  const refused = Math.max(...quarters.map((quarter) => quarter.refused), 0);
  const room = height - top - bottom, down = Math.min(refused, most / 2);
  const scale = room / (most + down), zero = top + most * scale;
  const level = (n) => [
    svg("line", { class: "level", x1: left, x2: width - right, y1: zero - n * scale, y2: zero - n * scale }),
    svg("text", { x: left - 6, y: zero - n * scale + 4, "text-anchor": "end" }, number(n)),
  ];
  const shown = quarters.map((quarter) => ({ ...quarter, refused: Math.min(quarter.refused, down) }));
  return svg("svg", {
    class: "chart", viewBox: `0 0 ${width} ${height}`, width, height, role: "img",
    "aria-label": t("chart.words", { issued: number(sum(quarters, "issued")), refused: number(sum(quarters, "refused")) }),
  }, level(most), most % 2 === 0 ? level(most / 2) : null, level(0), hours(quarters, width, height), bars(shown, width, zero, scale));
}

// The same in words: one row an hour.
function words(quarters) {
  const rows = [];
  for (let i = quarters.length - 4; i >= 0; i -= 4) {
    const hour = quarters.slice(i, i + 4);
    rows.push([clock(hour[0].from), as(number(sum(hour, "issued")), "n"), as(number(sum(hour, "refused")), "n")]);
  }
  return el("details", {}, el("summary", {}, t("chart.table")),
    table(t("chart.title"), [t("chart.from"), as(t("outcome.issued"), "n"), as(t("outcome.refused"), "n")], rows, t("none")));
}

export function chart(quarters, width, height, isWall) {
  if (!quarters || quarters.length === 0) return null;
  return el("section", { class: "panel chart-panel" },
    el("h2", {}, t("chart.title")),
    el("p", { class: "legend", "aria-hidden": "true" }, el("span", { class: "key issued" }), t("chart.issued"), " ", el("span", { class: "key refused" }), t("chart.refused")),
    drawing(quarters, width, height), isWall ? null : words(quarters));
}
