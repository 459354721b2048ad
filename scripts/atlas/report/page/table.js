// The list of parameters: filtered at once, rendered a part at a time as one scrolls.

const CHUNK = 40;

const FILTERS = {
  differs: (row) => parameterHistory(row.engine, row.parameter).some(({ kinds }) => kinds.length),
  deprecated: ({ facts }) => facts.deprecated,
  limits: ({ facts }) => facts.limits,
  resolved: ({ facts }) => facts.effective && facts.effective.text !== facts.default,
  disagree: ({ facts }) => facts.disagreement,
  static: ({ facts }) => !facts.lanes?.includes("live"),
};

/** The rows of a version; with no engine, of the current version of each. */
function rowsOf(route) {
  const cells = route.engine
    ? [[route.engine, route.index]]
    : DATA.engines.map(({ name }) => loadEngine(name)).map((engine) => [engine, defaultVersion(engine)]);
  return cells.flatMap(([engine, index]) =>
    engine.parameters.flatMap((parameter) => {
      const facts = parameter.facts[index];
      return facts ? [{ engine, index, parameter, facts }] : [];
    }),
  );
}

/** The rows that pass every filter, best matches first when text is searched. */
function filterRows(rows, route) {
  const tests = route.only.map((name) => FILTERS[name]).filter(Boolean);
  const kept = rows.filter(
    (row) => (!route.group || row.parameter.group === route.group) && tests.every((test) => test(row)),
  );
  return ranked(kept, route.text, (row) => [row.parameter, row.facts]);
}

/** Items that match the text, the best first and otherwise in their order. */
function ranked(items, text, look) {
  const wanted = words(text);
  if (!wanted.length) return items;
  return items
    .map((item) => [rank(...look(item), wanted), item])
    .filter(([tier]) => tier !== null)
    .sort(([a], [b]) => (a === b ? 0 : a - b))
    .map(([, item]) => item);
}

/** Puts items into a table body, `CHUNK` at a time; `headingOf` gives a group's heading or null. */
function lazyBody(body, renderRow, columns) {
  let items = [];
  let done = 0;
  let headingOf = () => null;
  function more(count = CHUNK) {
    const part = document.createDocumentFragment();
    for (const end = Math.min(done + count, items.length); done < end; done += 1) {
      const heading = headingOf(items[done], items[done - 1]);
      if (heading) part.append(headingRow(heading, columns));
      part.append(...[renderRow(items[done])].flat());
    }
    body.append(part);
  }
  return {
    show(next, heading) {
      [items, done, headingOf] = [next, 0, heading];
      body.replaceChildren();
      body.closest("table").setAttribute("aria-rowcount", items.length + 1);
      more();
    },
    more,
    all: () => more(items.length),
    pending: () => done < items.length,
  };
}

const headingRow = ([name, count], columns) =>
  el(
    "tr",
    { role: "row", class: "group-row" },
    el(
      "th",
      { role: "rowheader", scope: "rowgroup", colspan: columns },
      name,
      " ",
      el("span", null, String(count)),
    ),
  );

const cell = (className, label, ...children) =>
  el("td", { role: "cell", class: className, "data-label": label }, ...children);

function parameterRow({ engine, index, parameter, facts }, route) {
  const pattern = highlighter(words(route.text));
  return el(
    "tr",
    { role: "row", "data-id": parameter.id, "data-engine": engine.name },
    nameCell(engine, index, parameter, facts, route, pattern),
    cell("c-type", "Type", typeText(facts), valueChips(facts, pattern)),
    cell("c-default", "Default", defaultText(facts), effectiveText(facts)),
    cell(`c-limits${facts.limits ? "" : " none"}`, "Limits", facts.limits ?? ""),
    cell(
      "c-text",
      null,
      facts.description ? el("div", { class: "clamp" }, descriptionSnippet(facts, pattern)) : null,
    ),
    cell("c-source", "Source", sourceLinks(engine, index, parameter)),
  );
}

/** Best matches first means that groups are mixed: then each row names its own. */
const severalGroups = (route) => !route.group && (!route.engine || route.engine.groups.length > 1);

function nameCell(engine, index, parameter, facts, route, pattern) {
  const filters = route.engine ? queryOf(route) : "";
  const address = parameterAddress(engine, index, parameter) + filters;
  return el(
    "th",
    { role: "rowheader", scope: "row", class: "c-name" },
    el("a", { class: "name", href: address }, pathText(parameter.path, pattern)),
    route.engine ? null : badge(`${engine.name} ${engine.versions[index].version}`),
    badges(facts),
    route.text && severalGroups(route) ? el("div", { class: "home" }, parameter.group) : null,
    facts.flag ? el("div", { class: "flag" }, marked(facts.flag, pattern)) : null,
  );
}

/** A path with its last part, the name, standing out. */
function pathText(path, pattern) {
  const at = path.lastIndexOf(".") + 1;
  return [
    at ? el("span", { class: "prefix" }, marked(path.slice(0, at), pattern)) : null,
    marked(path.slice(at), pattern),
  ];
}

const badge = (text, kind = "") => [" ", el("span", { class: `badge ${kind}` }, text)];

function badges(facts) {
  return [
    facts.deprecated ? badge("deprecated", "warn") : null,
    facts.disagreement ? badge("lanes disagree", "bad") : null,
    facts.private ? badge("private") : null,
    facts.readonly ? badge("not settable") : null,
  ];
}

function typeText(facts) {
  if (facts.type) return code(breakable(facts.type));
  return el("span", { class: "muted" }, facts.annotation ? "not understood" : "not stated");
}

function valueChips(facts, pattern, most = 6) {
  if (!facts.values) return null;
  const shown = facts.values.slice(0, most).map((value) => [code(marked(value, pattern)), " "]);
  const rest = facts.values.length - most;
  return el(
    "div",
    { class: "values" },
    shown,
    rest > 0 ? el("span", { class: "muted" }, `+${rest}`) : null,
    facts.open ? el("span", { class: "muted" }, " open") : null,
  );
}

function defaultText(facts) {
  const kind = facts.default_kind;
  if (kind === "required") return el("span", { class: "badge required" }, "required");
  if (kind === "unknown") return el("span", { class: "muted" }, "unknown");
  const text =
    facts.default === undefined
      ? null
      : el("code", { class: kind === "none" ? "none" : null }, breakable(facts.default));
  const how = { factory: "factory", computed: "computed" }[kind];
  return [
    text ? el("span", { class: "clamp" }, text) : null,
    how ? el("span", { class: "muted how" }, how) : null,
  ];
}

function effectiveText(facts) {
  if (!facts.effective || facts.effective.text === facts.default) return null;
  const { text, platform } = facts.effective;
  return el(
    "div",
    { class: "effective" },
    el("span", { "aria-hidden": "true" }, "→ "),
    el("span", { class: "hidden-text" }, "effective: "),
    code(breakable(text)),
    platform ? el("span", { class: "muted" }, ` on ${platform}`) : null,
  );
}

const descriptionSnippet = (facts, pattern) =>
  prose(snippet(facts.description, pattern), (part) => marked(part, pattern, (text) => text));

/** One link a place, however many lanes saw the parameter there. */
function sourceLinks(engine, index, parameter) {
  const places = new Map();
  for (const seen of parameter.evidence[index]) {
    if (seen.file && !places.has(`${seen.file}:${seen.line}`)) places.set(`${seen.file}:${seen.line}`, seen);
  }
  return [...places.values()]
    .slice(0, 1)
    .map((seen) => evidenceLink(engine, index, seen, seen.file.split("/").at(-1)));
}

function evidenceLink(engine, index, seen, name) {
  const text = seen.line ? `${name}:${seen.line}` : name;
  const href = sourceUrl(engine, engine.versions[index].version, seen);
  return href
    ? el("a", { href, rel: "noopener noreferrer", target: "_blank" }, breakable(text))
    : el("span", null, breakable(text));
}
