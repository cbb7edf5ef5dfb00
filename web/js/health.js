// Is the machine well: disk, clock, ledger, CA, backup.
import { as, el, facts, table } from "./dom.js";
import { t } from "./i18n.js";
import { bytes, date, dateTime, days, duration, now, number } from "./format.js";
import { needText } from "./line.js";

const mark = (ok) => (ok ? `✓ ${t("health.ok")}` : `✕ ${t("health.bad")}`);

const WEEK_MS = 7 * 86400 * 1000;

function lastBackup(at) {
  if (!at) return [mark(false), " · ", t("health.no_backup")];
  const age = now() - new Date(at);
  return [mark(age < WEEK_MS), " · ", dateTime(at), " · ", t("health.ago", { time: duration(Math.max(0, age / 1000)) })];
}

function caRow(ca) {
  const left = Math.floor((new Date(ca.not_after) - now()) / 86400000);
  return { key: ca.name, cells: [
    ca.name, t(`ca.${ca.state}`), ca.subject, ca.key, ca.not_after.startsWith("9999") ? t("device.for_ever") : date(ca.not_after),
    left > 0 ? t("health.days_left", { days: days(left) }) : t("health.over"), as(ca.fingerprint, "mono id"),
  ] };
}

export const healthView = {
  live: true,
  title: () => t("view.health"),
  draw(_, status) {
    if (!status) return el("p", {}, t("loading"));
    const { disk, health, version, writer, http } = status;
    const needs = (status.line?.needs || []).filter(({ what }) => what !== "upload" && what !== "devices");     // these have views of their own
    const clockOk = health?.clock ? health.clock.ok : status.reason !== "clock_invalid";
    return el("div", {},
      el("h1", {}, t("view.health")),
      needs.length > 0 ? el("ul", { class: "refusals" }, needs.map((need) => el("li", { class: "refusal" }, el("b", {}, t(`what.${need.what}`)), " ", needText(need)))) : el("p", { class: "notice" }, t("health.fine")),
      facts([
        [t("what.disk"), mark(disk.free_bytes > disk.reserve_bytes), " · ", t("health.disk", { free: bytes(disk.free_bytes), reserve: bytes(disk.reserve_bytes) })],
        [t("what.clock"), mark(clockOk), " · ", dateTime(status.now)],
        [t("health.database"), health?.database ? t("health.database_words", { bytes: bytes(health.database.bytes), log: bytes(health.database.log_bytes) }) : "–"],
        [t("health.backup"), ...lastBackup(health?.backup?.last_at)],
        [t("health.version"), version], [t("health.started"), dateTime(status.started_at)],
        writer ? [t("health.commit"), t("health.ms", { n: number(Math.round(writer.commit_us / 100) / 10) })] : null,
        http ? [t("health.connections"), number(http.connections)] : null, http ? [t("health.requests"), number(http.requests)] : null,
      ]),
      el("section", {}, el("h2", {}, t("what.ca")),
        table(t("what.ca"), [t("health.name"), t("device.state"), t("health.subject"), t("health.key"), t("health.until"), t("health.left"), t("health.fingerprint")],
          (status.cas || []).map(caRow), t("none"))));
  },
};
