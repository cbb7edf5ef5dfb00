// Who changed what, from where, when and why.
import { as, button, el, table } from "./dom.js";
import { ask } from "./api.js";
import { t, word } from "./i18n.js";
import { moment } from "./format.js";

const object = (event) => (event.action === "ledger.backup" ? t("what.storage") : event.object || t("event.all"));

export function eventTable(events) {
  const rows = events.map((event) => ({ key: event.id, cells: [
    moment(event.at), event.actor, word("event", event.action), as(object(event), "mono"), event.detail, event.reason, as(event.address, "mono"),
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

export const eventsView = {
  title: () => t("view.events"),
  async load() {
    shown = await page(null);
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
