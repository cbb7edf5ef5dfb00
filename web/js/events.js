// Who changed what, from where, when and why.
import { as, button, el, table } from "./dom.js";
import { ask } from "./api.js";
import { t, word } from "./i18n.js";
import { moment } from "./format.js";

const object = (event) => (event.action === "ledger.backup" ? t("what.storage") : event.object || t("event.all"));

export function eventTable(events) {
  const rows = events.map((event) => ({ key: event.id, cells: [
    moment(event.at), event.actor, word("event", event.action), as(object(event), "mono"), as(event.detail, "id"), event.reason, as(event.address, "mono"),
  ] }));
  return table(t("view.events"), [t("line.time"), t("event.who"), t("event.what"), t("event.object"), t("event.detail"), t("dialog.reason"), t("event.address")], rows, t("event.none"));
}

let shown = []; // the pages that were asked for so far
let next = null;

async function page(before) {
  const answer = await ask(`/v1/events?limit=100${before ? `&before=${before}` : ""}`);
  next = answer.next;
  return answer.events;
}

// The newest page, and behind it what was asked for before.
async function renew(options) {
  const answer = await ask("/v1/events?limit=100", options);
  const oldest = answer.events.at(-1)?.id ?? 0;
  const joins = shown.length > 0 && shown[0].id >= oldest; // else so many came meanwhile that some are between them
  const before = options?.own && joins ? shown.filter((event) => event.id < oldest) : [];
  if (before.length === 0) next = answer.next;
  shown = [...answer.events, ...before];
}

export const eventsView = {
  everyMs: 5000,
  title: () => t("view.events"),
  async load(_, options) {
    await renew(options);
    return {};
  },
  draw: () => el("div", {}, el("h1", {}, t("view.events")), eventTable(shown), next ? button("events-more", t("event.more")) : null),
};

export const eventActions = {
  async "events-more"() {
    shown = [...shown, ...(await page(next))];
    return "draw";
  },
};
