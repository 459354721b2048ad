// A parameter's detail: all its facts, the evidence of both lanes, and its history.

const BESIDE = matchMedia("(min-width: 75rem)");

/** Fill and open the panel: beside the list where there is room, else over it. */
function openDetail(route) {
  const dialog = byId("detail");
  const facts = route.parameter.facts[route.index];
  dialog.replaceChildren(detailHead(route), facts ? detailBody(route, facts) : absentBody(route));
  document.body.classList.toggle("with-detail", BESIDE.matches);
  if (!dialog.open) BESIDE.matches ? dialog.show() : dialog.showModal();
  dialog.scrollTop = 0;
  byId("detail-title").focus({ preventScroll: true });
  markOpenRow(route.parameter.id);
}

function closeDetail() {
  const dialog = byId("detail");
  if (!dialog.open) return;
  const row = dialog.contains(document.activeElement) ? document.querySelector("tr.open a.name") : null;
  dialog.close();
  document.body.classList.remove("with-detail");
  markOpenRow(null);
  row?.focus({ preventScroll: true });
}

function markOpenRow(id) {
  document.querySelectorAll("tr.open").forEach((row) => row.classList.remove("open"));
  if (id !== null) document.querySelector(`#rows tr[data-id="${CSS.escape(id)}"]`)?.classList.add("open");
}

function detailHead(route) {
  const { engine, index, parameter } = route;
  return el(
    "header",
    null,
    el(
      "div",
      { class: "detail-bar" },
      el("span", { class: "muted" }, `${engine.name} ${engine.versions[index].version} · ${parameter.group}`),
      el(
        "a",
        {
          class: "button",
          id: "close",
          href: addressOf(route, { list: true }),
          "aria-label": "Close the detail",
        },
        "✕",
      ),
    ),
    el("h2", { id: "detail-title", tabindex: "-1" }, pathText(parameter.path, null)),
  );
}

function absentBody({ engine, index, parameter }) {
  const text = `${engine.name} ${engine.versions[index].version} has no parameter of this name.`;
  return el("div", null, el("p", { class: "note" }, text), historySection(engine, index, parameter));
}

function detailBody({ engine, index, parameter }, facts) {
  return el(
    "div",
    null,
    facts.deprecated ? el("p", { class: "note warn" }, prose(facts.deprecated)) : null,
    disagreementSection(facts),
    el(
      "div",
      { class: "description" },
      facts.description
        ? paragraphs(facts.description)
        : el("p", { class: "muted" }, "The engine does not describe this parameter."),
    ),
    factList(engine, index, facts),
    evidenceSection(engine, index, parameter, facts),
    historySection(engine, index, parameter),
  );
}

function disagreementSection(facts) {
  if (!facts.disagreement) return null;
  const rows = facts.disagreement.map(({ what, static: fromSources, live }) =>
    el(
      "tr",
      null,
      el("th", { scope: "row" }, what),
      el("td", null, code(breakable(fromSources))),
      el("td", null, code(breakable(live))),
    ),
  );
  const head = el(
    "tr",
    null,
    el("td"),
    el("th", { scope: "col" }, "Static"),
    el("th", { scope: "col" }, "Live"),
  );
  return el(
    "div",
    { class: "note bad" },
    el("strong", null, "The lanes disagree"),
    el("table", { class: "plain" }, el("thead", null, head), el("tbody", null, rows)),
  );
}

function factList(engine, index, facts) {
  const live = engine.versions[index].lanes.includes("live");
  const entries = [
    ["Type", typeText(facts)],
    [
      "As written",
      facts.annotation && facts.annotation !== facts.type ? code(breakable(facts.annotation)) : null,
    ],
    [
      "Values",
      facts.values
        ? [
            valueChips({ values: facts.values }, null, Infinity),
            el(
              "div",
              { class: "muted" },
              facts.open ? "Other values are accepted, too." : "No other value is accepted.",
            ),
          ]
        : null,
    ],
    ["Default", [defaultText(facts), facts.default_kind === "required" ? " There is no default." : null]],
    ["Written as", facts.default_text ? code(breakable(facts.default_text)) : null],
    [
      "Effective default",
      facts.effective
        ? [
            code(breakable(facts.effective.text)),
            facts.effective.platform ? ` on ${facts.effective.platform}` : null,
          ]
        : live
          ? null
          : el("span", { class: "muted" }, "not known: the live lane did not run"),
    ],
    ["Limits", facts.limits ?? null],
    ["CLI flag", facts.flag ? code(facts.flag) : null],
    ["Aliases", facts.aliases ? facts.aliases.map((alias) => [code(alias), " "]) : null],
    ["Environment variable", facts.env ? code(facts.env) : null],
    ["Applies to", facts.applies_to ?? null],
    ["Owner", facts.owner ? code(breakable(facts.owner)) : null],
    ["Inherits from", facts.joins ? code(breakable(facts.joins)) : null],
    ["Expanded at", facts.same_as ? placeLink(engine, index, facts.same_as) : null],
    ["Also in", facts.also_in ? facts.also_in.map((owner) => el("div", null, code(breakable(owner)))) : null],
    ["Settable", facts.readonly ? "no: the engine sets it itself" : null],
    ["Private", facts.private ? "yes, by its name" : null],
  ];
  return el(
    "dl",
    { class: "facts" },
    entries
      .filter(([, value]) => value)
      .map(([name, value]) => el("div", null, el("dt", null, name), el("dd", null, value))),
  );
}

/** A link to `group:path`, where the parameters of a nested configuration stand. */
function placeLink(engine, index, place) {
  const [group, path] = splitOnce(place, ":");
  const parameter = engine.parameters.find((one) => one.group === group && one.path === path);
  return parameter
    ? el("a", { href: parameterAddress(engine, index, parameter) }, code(breakable(path)), ` in ${group}`)
    : code(place);
}

function evidenceSection(engine, index, parameter, facts) {
  const files = engine.versions[index].files;
  const items = parameter.evidence[index].map((seen) =>
    el(
      "li",
      null,
      el("span", { class: `lane ${seen.lane}` }, seen.lane),
      el(
        "span",
        null,
        seen.file ? evidenceLink(engine, index, seen, seen.file) : "seen at run time",
        files[seen.file]
          ? el("span", { class: "digest", title: files[seen.file] }, files[seen.file].slice(0, 19) + "…")
          : null,
      ),
    ),
  );
  const missing = DATA.lanes
    .filter((lane) => !facts.lanes?.includes(lane))
    .map((lane) =>
      el(
        "li",
        null,
        el("span", { class: `lane ${lane} off` }, lane),
        el("span", { class: "muted" }, missingLane(engine, index, lane, facts)),
      ),
    );
  return el("section", null, el("h3", null, "Evidence"), el("ul", { class: "evidence" }, items, missing));
}

function missingLane(engine, index, lane, facts) {
  if (!engine.versions[index].lanes.includes(lane)) return "This lane did not run for this version.";
  return (lane === "live" && facts.static_only) || "This lane did not see the parameter.";
}

function historySection(engine, index, parameter) {
  const steps = parameterHistory(engine, parameter)
    .reverse()
    .map((step) =>
      el(
        "li",
        { class: step.index === index ? "here" : null },
        step.present
          ? el(
              "a",
              {
                href: parameterAddress(engine, step.index, parameter),
                "aria-current": step.index === index ? "true" : null,
              },
              step.version,
            )
          : el("span", { class: "muted" }, step.version),
        el("div", null, historyWords(engine, parameter, step)),
      ),
    );
  return el(
    "section",
    null,
    el("h3", null, "History in the versions held"),
    el("ol", { class: "history", reversed: true }, steps),
  );
}

function historyWords(engine, parameter, { index, before, present, kinds }) {
  if (before === null)
    return el("span", { class: "muted" }, present ? "present in the oldest version held" : "absent");
  if (!kinds.length) return el("span", { class: "muted" }, present ? "unchanged" : "absent");
  if (kinds[0] === "added" || kinds[0] === "removed") return kindLabel(kinds[0]);
  return kinds.map((kind) => changeLine(kind, parameter.facts[before], parameter.facts[index]));
}

function changeLine(kind, old, now) {
  const words = kindLabel(kind);
  if (kind === "description")
    return el("div", null, words, " ", el("span", { class: "muted" }, reworded(old, now)));
  if (kind === "values" && old.values && now.values)
    return el("div", null, words, " ", valuesChanged(old, now));
  return el(
    "div",
    null,
    words,
    " ",
    factText(kind, old),
    el("span", { "aria-label": "became" }, " → "),
    factText(kind, now),
  );
}

/** Values that went and values that came; their order is no matter. */
function valuesChanged(old, now) {
  const without = (values, others) => values.filter((value) => !others.includes(value));
  const marks = (tag, values) => values.map((value) => [el(tag, null, code(breakable(value))), " "]);
  const opened = old.open === now.open ? null : now.open ? "now open" : "no longer open";
  return [
    marks("del", without(old.values, now.values)),
    marks("ins", without(now.values, old.values)),
    opened ? el("span", { class: "muted" }, opened) : null,
  ];
}

function reworded(old, now) {
  if (!old.description) return "written";
  return now.description ? "reworded" : "taken away";
}

/** What a parameter says of the fact that a kind of change is about. */
function factText(kind, facts) {
  const none = el("span", { class: "muted" }, "none");
  const show = {
    type: () => typeText(facts),
    values: () => valueChips(facts, null, Infinity),
    default: () => defaultText(facts),
    "effective default": () =>
      facts.effective
        ? code(breakable(facts.effective.text))
        : [defaultText(facts), el("span", { class: "muted" }, " default, no other seen")],
    limits: () => facts.limits,
    description: () => facts.description && el("div", { class: "clamp tall" }, prose(facts.description)),
    deprecated: () => facts.deprecated,
    "CLI flag": () => facts.flag && code(breakable(facts.flag)),
  }[kind];
  return show?.() ?? none;
}
