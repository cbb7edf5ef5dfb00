// What AWS has and has not, why not, and what to do.
import { as, batchLink, button, deviceLink, el, facts, meter, table } from "./dom.js";
import { ask } from "./api.js";
import { t } from "./i18n.js";
import { bytes, dateTime, duration, number } from "./format.js";
import { may } from "./session.js";
import { askFor, reasonField } from "./dialog.js";

// Codes of AWS and of the upload itself, by what a person does about them.
const advice = {
  wait: ["ThrottlingException", "ThrottledException", "TooManyRequestsException", "RequestThrottledException", "ServiceUnavailableException", "InternalFailureException",
    "InternalServerException", "InternalException", "ServiceFailureException", "RequestTimeoutException", "UnexpectedAnswer", "ConflictingResourceUpdateException"],
  credentials: ["UnauthorizedException", "AccessDeniedException", "ForbiddenException", "ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException",
    "MissingAuthenticationTokenException", "IncompleteSignatureException", "AnotherAccount", "SubscriptionRequiredException", "RegionDisabledException"],
  limit: ["LimitExceededException"],
  missing: ["ResourceNotFoundException"],
  conflict: ["ResourceAlreadyExistsException", "CertificateConflictException", "ConflictException", "CertificateIdDiffers"],
  revoked: ["Revoked"],
  section: ["NoSection"],
  certificate: ["CertificateValidationException"],
  ca: ["RegistrationCodeValidationException", "CertificateStateException"],
};

// For a certificate that waits for a person.
export const retryButton = (c) => (may("change") ?
  button("retry-one", t("upload.retry"), { serial: c.serial, device: c.device_id }, { "aria-label": t("upload.retry_one.title", { id: c.device_id }) }) : "");

export function awsAdvice(code) {
  const kind = Object.keys(advice).find((name) => advice[name].includes(code));
  return t(`aws.${kind || "other"}.do`);
}

// What the upload itself says of its trouble, where it is none of AWS's codes.
const troubles = { ca: /register-ca|activate-ca|CA .*(inactive|not registered)/, reach: /resolve|connect|timed out|no answer|reach/i };

export function outcomeAdvice(outcome) {
  const named = Object.keys(advice).find((kind) => advice[kind].some((code) => outcome.includes(code.replace(/Exception$/, ""))));
  return t(`aws.${Object.keys(troubles).find((kind) => troubles[kind].test(outcome)) || named || "other"}.do`);
}

// How a run's outcome begins, the longer first.
const outcomes = [["done in part, the rest waits: ", "waits"], ["done in part: ", "part"], ["could not start: ", "no_start"], ["stopped: ", "stopped"], ["stopped by ", "stopped_by"], ["done", "done"]];

function outcomeWords({ outcome, parked }) {
  if (outcome === "done" && parked > 0) return t("upload.outcome.parked", { n: number(parked) });
  const [begin, key] = outcomes.find(([words]) => outcome.startsWith(words)) || ["", null];
  return key ? [t(`upload.outcome.${key}`), outcome.slice(begin.length)].join(" ").trim() : outcome;
}

function run(last) {
  if (!last) return el("p", {}, t("upload.never"));
  const seconds = (new Date(last.ended_at || last.updated_at) - new Date(last.started_at)) / 1000;
  const rate = seconds > 0 ? Math.round(last.registered / seconds * 10) / 10 : null;
  return [
    last.ended_at ? null : meter(t("upload.run"), last.registered + last.parked, last.queued, t("upload.run_words", { done: number(last.registered + last.parked), queued: number(last.queued) })),
    facts([
      [t("upload.started"), dateTime(last.started_at)], [t("upload.ended"), last.ended_at ? dateTime(last.ended_at) : "–"],
      last.outcome ? [t("upload.outcome"), outcomeWords(last)] : null, [t("state.registered"), number(last.registered)], [t("batch.parked"), number(last.parked)],
      last.revoked ? [t("upload.revoked"), number(last.revoked)] : null,
      rate !== null ? [t("upload.rate"), t("upload.per_second", { n: number(rate) })] : null, [t("upload.time"), duration(seconds)],
      [t("upload.calls"), number(last.calls)], [t("upload.throttled"), number(last.throttled)],
    ]),
    last.needs_someone ? el("p", { class: "error" }, outcomeAdvice(last.outcome)) : null,
  ];
}

function reasonRow(one) {
  return { key: [one.batch, one.account, one.region, one.step, one.code].join(" "), cells: [
    as(batchLink(one.batch), "mono"), as(number(one.count), "n"),
    el("div", {}, el("p", {}, el("b", {}, one.code || t("upload.unknown")), one.step ? ` (${t(`step.${one.step}`)})` : "", ": ", one.message), el("p", {}, awsAdvice(one.code))),
    one.account ? t("upload.target", { account: one.account, region: one.region }) : "",
    may("change") ? button("retry", t("upload.retry"), { batch: one.batch }, { "aria-label": t("upload.retry.title", { batch: one.batch }) }) : "",
  ] };
}

const report = (one) => el("li", { "data-key": one.name },
  el("a", { href: `/v1/uploads/reports/${encodeURIComponent(one.name)}`, download: one.name, class: "mono" }, one.name), ` ${bytes(one.bytes)}`);

// The newest that wait for a person; a page may be short before the end, where many others lie between.
async function newestParked(count) {
  const found = [];
  let after = "";
  do {
    const page = await ask(`/v1/certificates?state=parked&limit=${count}${after}`, { own: true });
    found.push(...page.certificates);
    after = page.next ? `&after=${page.next}` : "";
  } while (after && found.length < count);
  return found.slice(0, count);
}

export const uploadView = {
  everyMs: 3000,
  title: () => t("view.upload"),
  async load() {
    const upload = await ask("/v1/uploads", { own: true });
    const parked = upload.parked > 0 ? await newestParked(50) : [];
    return { upload, parked };
  },
  draw({ upload, parked }) {
    const reports = upload.reports || [];
    return el("div", {},
      el("h1", {}, t("view.upload")),
      el("p", { class: "notice" }, upload.running ? t("upload.running") : t("upload.idle")),
      el("dl", { class: "counts" }, [["upload.queued", upload.queued], ["state.registered", upload.registered], ["batch.parked", upload.parked + (upload.revoke_parked || 0)],
        ["batch.revoked", upload.revoked || 0], ["upload.revoking", upload.revoking || 0]]
        .map(([key, n]) => el("div", {}, el("dt", {}, t(key)), el("dd", {}, number(n))))),
      el("section", { class: "panel" }, el("h2", {}, t("upload.last")), run(upload.last_run),
        el("p", {}, upload.next_run_at ? t("upload.next", { time: dateTime(upload.next_run_at) }) : t("upload.next_unknown"))),
      el("section", { class: "panel" }, el("div", { class: "title" }, el("h2", {}, t("upload.why")),
        may("change") && upload.parked + (upload.revoke_parked || 0) > 0 ? button("retry", t("upload.retry_all"), { batch: "" }, { class: "primary" }) : null),
      table(t("upload.why"), [t("batch.one"), as(t("upload.count"), "n"), t("upload.reason"), t("upload.where"), t("upload.action")], upload.reasons.map(reasonRow), t("upload.none_parked"))),
      parked.length > 0 ? el("section", { class: "panel" }, el("h2", {}, t("upload.parked_devices")),
        table(t("upload.parked_devices"), [t("device.id"), t("batch.one"), t("event.detail"), t("upload.action")],
          parked.map((c) => ({ key: c.serial, cells: [as(deviceLink(c.device_id), "mono"), as(batchLink(c.batch), "mono"), c.reason, retryButton(c)] })), t("none"))) : null,
      el("section", { class: "panel" }, el("h2", {}, t("upload.by_batch")),
        table(t("upload.by_batch"), [t("batch.one"), as(t("upload.queued"), "n"), as(t("state.registered"), "n"), as(t("batch.parked"), "n")],
          upload.batches.map((one) => ({ key: one.batch, cells: [as(batchLink(one.batch), "mono"), as(number(one.queued), "n"), as(number(one.registered), "n"), as(number(one.parked), "n")] })),
          t("upload.nothing"))),
      el("section", { class: "panel" }, el("h2", {}, t("upload.reports")), reports.length > 0 ? el("ul", { class: "files" }, reports.map(report)) : el("p", {}, t("upload.no_reports"))));
  },
};

const retry = (title, text, what) => askFor({
  title, text, fields: [reasonField()], confirm: t("upload.retry"),
  send: ({ reason }) => ask("/v1/uploads/retry", { method: "POST", body: { ...what, reason } }),
});

export const uploadActions = {
  retry: ({ batch }) => retry(batch ? t("upload.retry.title", { batch }) : t("upload.retry_all"), t("upload.retry.text"), batch ? { batch } : {}),
  "retry-one": ({ serial, device }) => retry(t("upload.retry_one.title", { id: device }), t("upload.retry_one.text"), { serial }),
};
