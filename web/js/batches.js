// Orders: all of them, and one with what became of it.
import { as, batchLink, button, deviceLink, el, facts, link, table } from "./dom.js";
import { ask } from "./api.js";
import { t, word } from "./i18n.js";
import { dateTime, moment, number } from "./format.js";
import { may } from "./session.js";
import { askFor, reasonField, toast } from "./dialog.js";
import { left, progress, refusals } from "./line.js";
import { eventTable } from "./events.js";

const stateOf = (batch) => word("batch.state", batch.state);

// What the status knows of it besides: the rate.
const running = (batch, status) => ({ ...batch, ...(status?.batches || []).find((one) => one.name === batch.name) });

export const batchesView = {
  live: true,
  everyMs: 5000, // others make batches too
  title: () => t("view.batches"),
  load: (_, options) => ask("/v1/batches", options),
  draw({ batches }, status) {
    const order = { waiting: 0, open: 1, closed: 2 };
    const rows = batches.map((batch) => running(batch, status))
      .sort((a, b) => order[a.state] - order[b.state] || (a.created_at < b.created_at ? 1 : -1))
      .map((batch) => ({ key: batch.name, cells: [
        as(batchLink(batch.name), "mono"), stateOf(batch), as(progress(batch), "wide"), batch.state === "open" ? left(batch) : "", as(number(batch.parked), "n"), moment(batch.created_at),
      ] }));
    return el("div", {},
      el("div", { class: "title" }, el("h1", {}, t("view.batches")), may("change") ? button("batch-make", t("batch.make"), {}, { class: "primary" }) : null),
      table(t("view.batches"), [t("batch.one"), t("batch.state"), t("batch.progress"), t("batch.end"), as(t("batch.parked"), "n"), t("batch.created")], rows, t("line.no_batch")));
  },
};

function batchButtons(batch) {
  const name = batch.name;
  return el("div", { class: "buttons" },
    may("change") && batch.state === "open" ? button("batch-close", t("batch.close"), { name }) : null,
    may("change") && batch.state === "closed" ? button("batch-open", t("batch.open"), { name }) : null,
    may("change") && batch.state === "waiting" ? [button("batch-open", t("batch.approve"), { name }, { class: "primary" }), button("batch-close", t("batch.refuse"), { name })] : null,
    may("admin") ? button("batch-raise", t("batch.raise"), { name, quantity: batch.quantity }) : null,
    el("a", { class: "button", href: `/v1/batches/${encodeURIComponent(name)}/devices.csv`, download: `${name}.csv` }, t("batch.csv")));
}

export const batchView = {
  live: true,
  everyMs: 5000,
  title: (name) => t("batch.title", { name }),
  async load(name, options) {
    const at = encodeURIComponent(name);
    const batch = await ask(`/v1/batches/${at}`, options);
    const [certificates, events] = await Promise.all([
      ask(`/v1/certificates?batch=${at}&limit=20`, options), ask(`/v1/events?batch=${at}&limit=100`, options)]);
    return { batch, certificates: certificates.certificates, events };
  },
  draw({ batch, certificates, events }, status) {
    const now = { ...running(batch, status), state: batch.state, quantity: batch.quantity };
    return el("div", {},
      el("div", { class: "title" }, el("h1", {}, t("batch.title", { name: batch.name })), el("span", { class: `badge ${batch.state}` }, stateOf(batch))),
      batchButtons(batch),
      el("div", { class: "panel" }, progress(now), batch.state === "open" ? el("p", {}, left(now)) : null),
      facts([
        [t("batch.quantity"), number(now.quantity)], [t("outcome.issued"), number(now.issued)], [t("state.registered"), number(now.registered)],
        [t("batch.parked"), number(now.parked)], now.revoked ? [t("batch.revoked"), number(now.revoked)] : null,
        now.revoking ? [t("upload.revoking"), number(now.revoking)] : null, now.revoke_parked ? [t("batch.revoke_parked"), number(now.revoke_parked)] : null,
        [t("batch.remaining"), number(Math.max(0, now.quantity - now.issued))], [t("batch.created"), dateTime(batch.created_at)],
        [t("batch.last"), dateTime(batch.last_issued_at)], [t("device.ca"), batch.ca], [t("device.profile"), batch.profile],
        [t("batch.devices"), batch.listed ? t("batch.listed") : batch.pattern ? el("span", { class: "mono" }, batch.pattern) : t("batch.any")],
        batch.aws ? [t("batch.aws"), batch.aws.join(", ")] : null,
      ]),
      el("section", {}, el("h2", {}, t("outcome.refused")), refusals(batch.refusals || [])),
      el("section", {}, el("h2", {}, t("line.last")),
        table(t("line.last"), [t("device.id"), t("device.state"), t("device.issued_at")],
          certificates.map((c) => ({ key: c.serial, cells: [as(deviceLink(c.device_id), "mono"), word("state", c.state), moment(c.issued_at)] })), t("none"))),
      el("section", {}, el("h2", {}, t("batch.events")), eventTable(events.events), events.next ? el("p", {}, link("#/events", t("event.more"))) : null));
  },
};

// ---- changes

const patch = (name, body) => ask(`/v1/batches/${encodeURIComponent(name)}`, { method: "PATCH", body });

const setState = (state, key, danger) => ({ name }) => askFor({
  title: t(`${key}.title`, { name }), text: t(`${key}.text`), fields: [reasonField()], confirm: t(key), danger,
  send: ({ reason }) => patch(name, { state, reason }),
});

async function makeBatch(go) {
  let name;
  const made = await askFor({
    title: t("batch.make"), confirm: t("batch.make.do"),
    fields: [
      { name: "name", label: t("batch.name"), required: true, maxlength: 64, hint: t("batch.name_hint") },
      { name: "quantity", label: t("batch.quantity"), type: "count", required: true, max: 100000000, hint: t("batch.quantity_hint") },
      { name: "pattern", label: t("batch.pattern"), maxlength: 255, hint: t("batch.pattern_hint") },
      { name: "devices", label: t("batch.list"), type: "area", hint: t("batch.list_hint") },
      { name: "approval", label: t("batch.approval"), type: "check" },
      reasonField(),
    ],
    send: (values) => {
      const body = { name: values.name, quantity: values.quantity, reason: values.reason };
      const devices = values.devices.split(/[\s,;]+/).filter(Boolean);
      if (values.pattern) body.pattern = values.pattern;
      if (devices.length > 0) body.devices = devices;
      if (values.approval) body.approval = true;
      name = values.name;
      return ask("/v1/batches", { method: "POST", body });
    },
  });
  if (made) {
    toast(t("done"));
    go(`#/batch/${encodeURIComponent(name)}`);
  }
  return false; // the other view is loaded anyway
}

export const batchActions = {
  "batch-make": (_, go) => makeBatch(go),
  "batch-open": setState("open", "batch.open", false),
  "batch-close": setState("closed", "batch.close", true),
  "batch-raise": ({ name, quantity }) => askFor({
    title: t("batch.raise.title", { name }), text: t("batch.raise.text", { n: number(Number(quantity)) }), confirm: t("batch.raise"),
    fields: [{ name: "quantity", label: t("batch.quantity"), type: "count", required: true, max: 100000000, hint: t("batch.quantity_hint") }, reasonField()],
    send: (values) => patch(name, { quantity: values.quantity, reason: values.reason }),
  }),
};
