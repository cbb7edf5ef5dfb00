// The first screen: does the line issue, and if not, why not and what to do.
import { as, batchLink, button, deviceLink, el, link, meter, svg, table } from "./dom.js";
import { chart } from "./chart.js";
import { knows, t, word } from "./i18n.js";
import { bytes, clock, date, days, duration, moment, now, number, percent } from "./format.js";
import { may } from "./session.js";
import { outcomeAdvice } from "./upload.js";

const shapes = {
  issuing: ["good", () => svg("circle", { cx: 50, cy: 50, r: 46 })],
  idle: ["good hollow", () => svg("circle", { cx: 50, cy: 50, r: 40 })],
  waiting: ["warn", () => svg("path", { d: "M50 4 97 94H3Z" })],
  attention: ["warn", () => [svg("path", { d: "M50 4 97 94H3Z" }), svg("path", { class: "mark", d: "M45 34H55L53 66H47ZM46 73H54V81H46Z" })]],
  refusing: ["bad", () => [svg("path", { d: "M7 7H93V93H7Z" }), svg("path", { class: "mark", d: "M22 43H78V57H22Z" })]],
};

export const stateName = (status) => (shapes[status.line?.state] ? status.line.state : status.ready === false ? "refusing" : status.totals?.batches_open > 0 ? "idle" : "waiting");
export const stateClass = (status) => shapes[stateName(status)][0];
export const shape = (status) => svg("svg", { viewBox: "0 0 100 100", "aria-hidden": "true", class: "shape" }, shapes[stateName(status)][1]());

// ---- what needs somebody

function needValues(values = {}) {
  const texts = {};
  const words = { days, free_bytes: bytes, at: moment };
  for (const [name, value] of Object.entries(values)) texts[name] = words[name] ? words[name](value) : typeof value === "number" ? number(value) : value;
  if (values.why) Object.assign(texts, { why: codeTitle(values.why), do: codeAdvice(values.why) });
  if (values.outcome) texts.do = outcomeAdvice(values.outcome);
  return texts;
}

export const needText = (need) => (knows(`need.${need.code}`) ? t(`need.${need.code}`, needValues(need.values)) : knows(`code.${need.code}.do`) ? t(`code.${need.code}.do`) : need.detail || need.code);

function needs(status) {
  const list = status.line?.needs || [];
  const name = stateName(status);
  if (list.length === 0) return el("p", {}, status.detail && name === "refusing" ? status.detail : t(`state.${name}.do`));
  const first = name === "refusing" ? null : el("p", { "data-key": "first" }, t(`state.${name}.do`)); // what comes then is not why
  return [first, list.map((need) => el("p", { "data-key": need.code + (need.values?.name || need.values?.station || "") },
    el("b", {}, word("what", need.what)), " ", needText(need), where(need.values)))];
}

// The device that was refused, and where.
function where({ device, station } = {}) {
  const places = [device, station].filter(Boolean).join(" · ");
  return places ? [" ", el("span", { class: "mono" }, `(${places})`)] : null;
}

function state(status) {
  const name = stateName(status);
  return el("div", { class: `state ${stateClass(status)}`, role: "status", "data-state": name },
    shape(status),
    el("div", {}, el("strong", {}, t(`state.${name}`)), needs(status)));
}

// ---- counts

const count = (label, value, note) => el("div", {}, el("dt", {}, label), el("dd", {}, value, note ? el("small", {}, note) : null));

function counts(status) {
  const { rate, totals } = status;
  const shift = rate?.shift;
  return el("dl", { class: "counts" },
    rate ? [
      count(t("rate.now"), number(rate.per_hour), t("rate.per_hour")),
      count(t("rate.hour"), number(rate.last_hour)),
      shift ? count(t("rate.shift"), number(shift.issued), t("rate.since", { time: clock(shift.from) })) : null,
      shift ? count(t("rate.refused"), number(shift.refused), t("rate.since", { time: clock(shift.from) })) : null,
    ] : [count(t("outcome.issued"), number(totals.issued)), count(t("batch.quantity"), number(totals.quantity))]);
}

// ---- open batches

export function progress(batch) {
  const { issued, quantity, registered } = batch;
  return [
    meter(t("batch.issued_of"), issued, quantity, t("batch.issued_words", { issued: number(issued), quantity: number(quantity), percent: percent(issued, quantity) })),
    meter(t("batch.registered_of"), registered, issued, t("batch.registered_words", { registered: number(registered), issued: number(issued) }), "second"),
  ];
}

export function left(batch) {
  if (batch.issued >= batch.quantity) return t("batch.complete");
  if (batch.left_s === null || batch.left_s === undefined) return t("batch.no_rate");
  const end = new Date(now().getTime() + batch.left_s * 1000);
  const at = batch.left_s < 20 * 3600 ? clock(end) : batch.left_s < 48 * 3600 ? moment(end) : date(end); // no minute is known of the week after
  const shift = typeof batch.done_this_shift === "boolean" ? ` · ${t(batch.done_this_shift ? "batch.this_shift" : "batch.not_this_shift")}` : "";
  return t("batch.left", { rate: number(batch.per_hour), time: duration(batch.left_s), at }) + shift;
}

function batches(status, most) {
  const open = status.batches.filter((batch) => batch.state !== "closed");
  const card = (batch) => el("li", { class: "batch", "data-key": batch.name },
    el("div", { class: "batch-head" }, el("b", { class: "mono" }, batchLink(batch.name)), batch.state === "waiting" ? el("span", { class: "badge" }, t("batch.state.waiting")) : null,
      batch.state === "open" ? el("span", {}, left(batch)) : null),
    progress(batch),
    batch.parked > 0 ? el("p", { class: "error" }, t("batch.parked_words", { parked: number(batch.parked) })) : null);
  return el("section", { class: "panel" }, el("h2", {}, t("line.batches")),
    open.length > 0 ? el("ul", { class: "cards" }, open.slice(0, most).map(card)) : el("p", {}, t("line.no_batch")),
    open.length > most ? el("p", {}, link("#/batches", t("line.more", { n: number(open.length - most) }))) : null,
    open.length === 0 && may("change") && !isWall() ? button("batch-make", t("batch.make"), {}, { class: "primary" }) : null);
}

// ---- refusals, by reason

export const codeTitle = (code) => word("code", `${code}.title`, code);
export const codeAdvice = (code) => word("code", `${code}.do`, "");

// Grouped by reason; the stations of each.
export function refusals(list, most = 8) {
  const byCode = group(list);
  const item = ([code, rows]) => el("li", { class: "refusal", "data-key": code },
    el("p", {}, el("b", {}, codeTitle(code)), " ", el("span", { class: "times" }, t("refusal.times", { n: number(rows.reduce((n, row) => n + row.count, 0)) }))),
    el("p", {}, codeAdvice(code)),
    el("ul", { class: "stations" }, rows.sort((a, b) => (a.station === "") - (b.station === "")).slice(0, 4).map((row) => el("li", { "data-key": row.station },
      t("refusal.station", { station: row.station || t("refusal.several"), n: number(row.count), time: moment(row.last_at) }), " ",
      row.device_id ? ["· ", el("span", { class: "mono" }, row.device_id)] : null))));
  const items = [...byCode].slice(0, most).map(item);
  if (items.length === 0) return el("p", {}, t("refusal.none"));
  return [el("ul", { class: "refusals" }, items), byCode.size > most ? el("p", {}, t("line.more", { n: number(byCode.size - most) })) : null];
}

function group(list) {
  const groups = new Map();
  for (const one of list) groups.set(one.code, [...(groups.get(one.code) || []), one]);
  return groups;
}

// ---- the last devices

const marks = { issued: "✓", repeated: "↻", refused: "✕" };

// What has happened since the start, then what the ledger says of the time before.
function recent(status) {
  const list = status.recent || [];
  const known = new Set(list.map((one) => one.serial));
  const before = (status.last || []).filter((c) => !known.has(c.serial))
    .map((c) => ({ at: c.issued_at, outcome: "issued", device_id: c.device_id, batch: c.batch, station: "", serial: c.serial, code: null }));
  return [...list, ...before].sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
}

function lastDevices(status, most) {
  const rows = recent(status).slice(0, most).map((one) => ({
    key: `${one.at} ${one.outcome} ${one.device_id} ${one.station}`,
    cells: [
      [el("span", { class: "mono" }, one.device_id && one.outcome !== "refused" ? deviceLink(one.device_id) : one.device_id || "–"), el("small", {}, one.batch)],
      as([el("span", { "aria-hidden": "true", class: "mark" }, `${marks[one.outcome] || ""} `), one.outcome === "refused" ? codeTitle(one.code) : t(`outcome.${one.outcome}`),
        el("small", {}, one.station)], one.outcome),
      as(moment(one.at), "time"),
    ],
  }));
  return el("section", { class: "panel last" }, el("h2", {}, t("line.last")), table(t("line.last"), [t("device.id"), t("line.result"), t("line.time")], rows, t("none")));
}

// ---- the whole

const isWall = () => document.documentElement.classList.contains("wall");

function chartSize(main) {
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  const columns = main.clientWidth >= 56 * rem ? 2 : 1;
  // what the panel and the page have at their sides; drawn at its real size, so that its letters are readable on a phone too
  const width = Math.max(240, Math.floor((main.clientWidth - (columns + 1) * rem) / columns - 2.2 * rem));
  return [Math.round(width / (rem / 16)), isWall() ? 145 : 200];
}

export const lineView = {
  live: true,
  title: () => t("view.line"),
  draw(_, status, main) {
    if (!status) return el("p", {}, t("loading"));
    const wall = isWall();
    const [width, height] = chartSize(main);
    return el("div", { class: "line" },
      el("h1", { class: "unseen" }, t("view.line")),
      state(status), counts(status),
      el("div", { class: "columns" },
        el("div", {}, batches(status, wall ? 3 : 12), chart(status.rate?.quarters, width, height, wall)),
        el("div", {},
          el("section", { class: "panel" }, el("h2", {}, t("line.refusals")), refusals(status.refusals || [], wall ? 2 : 8)),
          lastDevices(status, wall ? 5 : 20))));
  },
};
