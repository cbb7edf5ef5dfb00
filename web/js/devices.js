// Finding a device among all, and everything about one.
import { as, batchLink, button, deviceLink, el, facts, table } from "./dom.js";
import { ask, Problem } from "./api.js";
import { t, word } from "./i18n.js";
import { dateTime, moment, number } from "./format.js";
import { may } from "./session.js";
import { askFor, reasonField } from "./dialog.js";
import { find } from "./search.js";
import { eventTable } from "./events.js";
import { awsAdvice, retryButton } from "./upload.js";

const stateOf = (c) => el("span", { class: `badge ${c.state}` }, word("state", c.state));

export const devicesView = {
  title: () => t("view.devices"),
  load: (text) => (text ? find(text) : ask("/v1/certificates?limit=20").then(({ certificates }) => ({ found: certificates, more: false }))),
  draw({ found, more }, _, __, text) {
    const rows = found.map((c) => ({ key: c.serial, cells: [
      as(deviceLink(c.device_id), "mono"), stateOf(c), as(batchLink(c.batch), "mono"), moment(c.issued_at), as(c.serial, "mono id"),
    ] }));
    return el("div", {},
      el("h1", {}, t("view.devices")),
      el("p", { role: "status" }, text ? t(found.length === 0 ? "search.none" : more ? "search.more" : "search.found", { text, n: number(found.length) }) : t("search.help")),
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

function certificate(c, isNewest) {
  const list = c.registrations || [];
  return el("section", { class: "panel", "data-key": c.serial },
    el("h2", {}, isNewest ? t("device.newest") : t("device.older"), " ", stateOf(c)),
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

async function loadDevice(id, options) {
  try {
    return await ask(`/v1/devices/${encodeURIComponent(id)}`, options);
  } catch (problem) {
    if (problem instanceof Problem && problem.status === 404) return { device_id: id, certificates: [] };
    throw problem;
  }
}

export const deviceView = {
  everyMs: 3000,
  title: (id) => t("device.title", { id }),
  load: loadDevice,
  draw({ device_id: id, certificates, events, rework }) {
    if (certificates.length === 0) return el("div", {}, el("h1", { class: "mono" }, id), el("p", {}, t("search.none", { text: id })));
    return el("div", {},
      el("div", { class: "title" }, el("h1", { class: "mono" }, id), copy(id)),
      rework ? el("p", { class: "notice" }, t("device.rework_on", { who: rework.actor, time: moment(rework.allowed_at), reason: rework.reason })) : null,
      may("change") && !rework ? el("div", { class: "buttons" }, button("rework", t("device.rework"), { device: id })) : null,
      certificates.map((c, i) => certificate(c, i === 0)),
      el("section", {}, el("h2", {}, t("device.history")), eventTable(events)));
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
