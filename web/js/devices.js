// Finding a device among all, and everything about one.
import { as, batchLink, button, deviceLink, el, facts, table } from "./dom.js";
import { ask, Problem } from "./api.js";
import { t, word } from "./i18n.js";
import { dateTime, moment, number } from "./format.js";
import { may } from "./session.js";
import { askFor, reasonField } from "./dialog.js";
import { find } from "./search.js";
import { codeAdvice, codeTitle } from "./line.js";
import { awsAdvice, retryButton } from "./upload.js";

const stateOf = (c) => el("span", { class: `badge ${c.state}` }, word("state", c.state));

export const devicesView = {
  title: () => t("view.devices"),
  load: (text) => (text ? find(text) : ask("/v1/certificates?limit=20").then(({ certificates }) => ({ found: certificates, more: false }))),
  draw({ found, more, refusals = [] }, _, __, text) {
    const rows = found.map((c) => ({ key: c.serial, cells: [
      as(deviceLink(c.device_id), "mono"), stateOf(c), as(batchLink(c.batch), "mono"), moment(c.issued_at), as(c.serial, "mono id"),
    ] }));
    return el("div", {},
      el("h1", {}, t("view.devices")),
      el("p", { role: "status" }, text ? t(found.length === 0 ? "search.none" : more ? "search.more" : "search.found", { text, n: number(found.length) }) : t("search.help")),
      found.length === 0 && refusals.length > 0 ? el("p", {}, deviceLink(text), " ", t("device.none", { text })) : null,
      table(text ? t("view.devices") : t("line.last"), [t("device.id"), t("device.state"), t("batch.one"), t("device.issued_at"), t("device.serial")], rows, t("none")));
  },
};

const copy = (text) => button("copy", t("copy"), { text }, { class: "small", "aria-label": t("copy.what", { text }) });
const identifier = (text) => [el("span", { class: "mono id" }, text), " ", copy(text)];

const steps = ["register", "thing", "principal", "policy", "group", "activate", "revoke"];

// What AWS has said, step by step.
function registration(one) {
  const failed = one.state !== "revoked" && (one.state === "parked" || one.code);
  return el("div", { class: "panel", "data-key": one.account + one.region },
    el("h4", {}, t("upload.target", { account: one.account, region: one.region }), " ", el("span", { class: `badge ${one.state}` }, word("registration", one.state))),
    el("ol", { class: "steps" }, steps.filter((step) => one.done.includes(step) || step === one.step).map((step) =>
      el("li", { class: one.done.includes(step) ? "done" : "not" }, `${one.done.includes(step) ? "✓" : "✕"} `, t(`step.${step}`)))),
    failed && one.code ? el("p", { class: "error" }, el("b", {}, one.code), ": ", one.message || "", " ", awsAdvice(one.code)) : null,
    facts([
      one.arn ? [t("device.arn"), ...identifier(one.arn)] : null,
      one.request_id ? [t("device.request_id"), el("span", { class: "mono" }, one.request_id)] : null,
      one.failures ? [t("device.failures"), number(one.failures)] : null,
      [t("device.updated_at"), dateTime(one.updated_at)],
      one.revoked_at ? [t("device.revoked_there"), dateTime(one.revoked_at), one.arn ? "" : ` (${t("device.not_there")})`] : null,
    ]));
}

// AWS has not taken it, or not that it is revoked.
const waitsForPerson = (c) => c.state === "parked" || (c.state === "revoked" && (c.registrations || []).some((one) => one.state === "parked" && !one.revoked_at));

// It is revoked here, and good there until the next upload.
const awsIsToHear = (c) => c.state === "revoked" && (c.registrations || []).some((one) => one.state !== "revoked" && !one.revoked_at);

function certificate(c, isNewest) {
  const list = c.registrations || [];
  return el("section", { class: "panel", "data-key": c.serial },
    el("h2", {}, isNewest ? t("device.newest") : t("device.older"), " ", stateOf(c)),
    awsIsToHear(c) ? el("p", { class: "notice" }, t("upload.revoking")) : null,
    c.reason && c.state === "parked" ? el("p", { class: "error" }, c.reason) : null,
    el("div", { class: "buttons" },
      el("a", { class: "button", href: `/v1/certificates/${c.serial}.pem`, download: `${c.device_id.replace(/[^A-Za-z0-9_.-]/g, "_")}.pem` }, t("device.pem")),
      waitsForPerson(c) ? retryButton(c) : "",
      may("change") && c.state !== "revoked" ? button("revoke", t("device.revoke"), { serial: c.serial, device: c.device_id }, { class: "danger" }) : null),
    facts([
      [t("batch.one"), el("span", { class: "mono" }, batchLink(c.batch))], [t("device.issued_at"), dateTime(c.issued_at)],
      [t("device.valid"), t("device.from_to", { from: dateTime(c.not_before), to: c.not_after.startsWith("9999") ? t("device.for_ever") : dateTime(c.not_after) })],
      [t("device.serial"), ...identifier(c.serial)], [t("device.certificate_id"), ...identifier(c.certificate_id)],
      c.key_id ? [t("device.key_id"), ...identifier(c.key_id)] : null, [t("device.ca"), c.ca], [t("device.profile"), c.profile],
      c.revoked_at ? [t("device.revoked_at"), dateTime(c.revoked_at)] : null, c.revoked_by ? [t("device.revoked_by"), c.revoked_by] : null,
      c.revoked_reason ? [t("dialog.reason"), c.revoked_reason] : null,
    ]),
    el("h3", {}, t("device.upload")), list.length > 0 ? list.map(registration) : el("p", {}, t(c.state === "issued" ? "device.queued" : "none")));
}

// ---- what was refused, and all that happened

const refusal = (one) => el("li", { class: "refusal", "data-key": one.at },
  el("p", {}, el("b", {}, codeTitle(one.code)), " ", codeAdvice(one.code)),
  el("p", {}, [moment(one.at), one.station, one.batch].filter(Boolean).join(" · ")));

function refusedSince(refusals, certificates) {
  const since = certificates[0]?.issued_at || "";
  const list = refusals.filter((one) => one.at > since);
  return list.length > 0 ? el("section", { class: "panel", id: "refused" }, el("h2", {}, t("device.refused")), el("ul", { class: "refusals" }, list.slice(0, 3).map(refusal))) : null;
}

// What was issued, what AWS said, what was refused, and what people did; the newest first.
function happened({ certificates, refusals, events }) {
  const rows = [];
  const add = (at, who, what, detail, reason = "", from = "") => { if (at) rows.push({ at, who, what, detail, reason, from }); };
  for (const c of certificates) {
    add(c.issued_at, "", t("outcome.issued"), `${c.batch} · ${c.serial}`);
    for (const one of c.registrations || []) {
      const what = one.state === "done" ? t("state.registered") : word("registration", one.state);
      if (one.state !== "revoked") add(one.updated_at, "AWS", what, [`${one.account} ${one.region}`, one.code].filter(Boolean).join(" · "));
      if (one.revoked_at) add(one.revoked_at, "AWS", t("registration.revoked"), `${one.account} ${one.region}`);
    }
  }
  for (const one of refusals) add(one.at, "", `${t("outcome.refused")}: ${codeTitle(one.code)}`, one.batch, "", one.station);
  for (const event of events) add(event.at, event.actor, word("event", event.action), event.detail, event.reason, event.address);
  return rows.sort((a, b) => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0));
}

function historyTable(device) {
  const all = happened(device);
  const rows = all.map((one, i) => ({ key: `${all.length - i} ${one.at}`, cells: [as(moment(one.at), "time"), one.who, one.what, as(one.detail, "mono id"), one.reason, as(one.from, "mono")] }));
  return table(t("device.history"), [t("line.time"), t("event.who"), t("event.what"), t("event.detail"), t("dialog.reason"), t("event.address")], rows, t("none"));
}

async function loadDevice(id, options) {
  try {
    return await ask(`/v1/devices/${encodeURIComponent(id)}`, options);
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) return { device_id: id, certificates: [], refusals: [], events: [] };
    throw problem;
  }
}

export const deviceView = {
  everyMs: 3000,
  title: (id) => t("device.title", { id }),
  load: loadDevice,
  draw(device) {
    const { device_id: id, certificates, more, refusals, rework } = device;
    if (certificates.length === 0) {
      return el("div", {}, el("h1", { class: "mono" }, id), el("p", {}, t(refusals.length > 0 ? "device.none" : "search.none", { text: id })), refusedSince(refusals, []));
    }
    return el("div", {},
      el("div", { class: "title" }, el("h1", { class: "mono" }, id), copy(id)),
      rework ? el("p", { class: "notice" }, t("device.rework_on", { who: rework.actor, time: moment(rework.allowed_at), reason: rework.reason })) : null,
      may("change") && !rework ? el("div", { class: "buttons" }, button("rework", t("device.rework"), { device: id })) : null,
      refusedSince(refusals, certificates),
      certificates.map((c, i) => certificate(c, i === 0)),
      more ? el("p", {}, t("device.more", { n: number(certificates.length) })) : null,
      el("section", {}, el("h2", {}, t("device.history")), historyTable(device)));
  },
};

export const deviceActions = {
  revoke: ({ serial, device }) => askFor({
    title: t("device.revoke.title", { id: device }), text: t("device.revoke.text"), fields: [reasonField()], confirm: t("device.revoke"), danger: true,
    send: ({ reason }) => ask(`/v1/certificates/${serial}/revoke`, { method: "POST", body: { reason } }),
  }),
  rework: ({ device }) => askFor({
    title: t("device.rework.title", { id: device }), text: t("device.rework.text"), fields: [reasonField()], confirm: t("device.rework"),
    send: ({ reason }) => ask(`/v1/devices/${encodeURIComponent(device)}/rework`, { method: "POST", body: { reason } }),
  }),
};
