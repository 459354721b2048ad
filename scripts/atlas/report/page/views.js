// Filling the views from a route: the list of a version, and the differences of two.

const parameterBody = lazyBody(byId("rows"), (row) => parameterRow(row, shown), 6);

const changeBody = lazyBody(byId("change-rows"), (change) => changeRows(change, shown), 4);

function titleOf({ view, engine, index, from, to, parameter }) {
  if (!engine) return "All engines · Engine Atlas";
  const version = (at) => engine.versions[at].version;
  const what = view === "compare" ? `${version(from)} to ${version(to)}` : version(index);
  return `${parameter ? `${parameter.path} · ` : ""}${engine.name} ${what} · Engine Atlas`;
}

function showAnchor(anchor, moved) {
  const target = anchor ? byId(anchor) : null;
  if (target?.closest("#overview")) {
    if (target.matches("details")) target.open = true;
    target.scrollIntoView();
  } else if (moved) {
    scrollTo(0, 0);
  }
}

function markEngines(route) {
  for (const link of byId("engines").querySelectorAll("a")) {
    const here = route.view !== "overview" && link.getAttribute("href") === `#${route.engine?.name ?? "all"}`;
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
}

function showEngine(route) {
  const comparing = route.view === "compare";
  byId("engine-title").textContent = route.engine?.name ?? "All engines";
  byId("cell-line").hidden = comparing;
  byId("compare-line").hidden = byId("changes").hidden = !comparing;
  byId("kinds").hidden = route.view === "parameters";
  byId("only").hidden = route.view !== "parameters";
  byId("table").hidden = byId("rules").hidden = true;
  byId("text").placeholder =
    route.view === "rules" ? "Search field, class, message" : "Search name, flag, description, value";
  showTabs(route);
  fillFilters(route);
  showList();
}

const showList = () => (({ compare: showChanges, rules: showRules })[shown.view] ?? showParameters)();
const isFiltered = ({ text, group, only, kinds }) => Boolean(text || group || only.length || kinds.length);

function showTabs({ view, engine, index, from, to }) {
  const available = engine ? availableVersions(engine) : [];
  const at = index ?? to;
  const ruled = engine && engine.versions[at].rules.length > 0;
  byId("tabs").hidden = available.length < 2 && !ruled;
  if (byId("tabs").hidden) return;
  byId("tab-compare").hidden = available.length < 2;
  byId("tab-rules").hidden = !ruled && view !== "rules";
  byId("tab-rules").href = `${versionAddress(engine, at)}?view=rules`;
  setCurrent(byId("tab-rules"), view === "rules");
  const before = available.filter((other) => other < at).at(-1) ?? available[0];
  const other = before === at ? available.at(-1) : at;
  byId("tab-parameters").href = versionAddress(engine, at);
  byId("tab-compare").href = compareAddress(engine, from ?? before, to ?? other);
  setCurrent(byId("tab-parameters"), view === "parameters");
  setCurrent(byId("tab-compare"), view === "compare");
}

const setCurrent = (link, is) =>
  is ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");

/** Put the route's search and filters into the form, without disturbing what is being typed. */
function fillFilters(route) {
  if (byId("text") !== document.activeElement) byId("text").value = route.text;
  const groups = groupsOf(route);
  byId("group").replaceChildren(
    el("option", { value: "" }, route.view === "rules" ? "All classes" : "All groups"),
    ...groups.map((name) => el("option", { value: name }, name)),
  );
  byId("group").value = groups.includes(route.group) ? route.group : "";
  byId("group").parentElement.hidden = groups.length < 2;
  if (route.view === "parameters") fillChips(route);
  byId("reset").hidden = !isFiltered(route);
}

function groupsOf(route) {
  if (route.view === "rules") return [...new Set(rulesOf(route).map(className))].sort();
  return route.engine ? route.engine.groups : [...new Set(DATA.engines.flatMap(({ groups }) => groups))];
}

/** Filters with the number of parameters they would leave; those that make no difference are not offered. */
function fillChips(route) {
  const rows = rowsOf(route);
  for (const box of byId("only").querySelectorAll("input")) {
    const count = rows.filter(FILTERS[box.value]).length;
    box.checked = route.only.includes(box.value);
    box.parentElement.hidden = !box.checked && (count === 0 || count === rows.length);
    box.parentElement.querySelector("b").textContent = count;
  }
}

function showParameters() {
  const { engine, index } = shown;
  byId("versions").replaceChildren(...(engine ? versionLinks(shown) : []));
  byId("cell-facts").replaceChildren(
    ...(engine ? cellFacts(engine, index) : ["The current version of each engine."]),
  );
  const rows = rowsOf(shown);
  const found = filterRows(rows, shown);
  const sizes = Map.groupBy(found, groupName);
  const heading = (row, before) => {
    const name = groupName(row);
    const wanted = !shown.text && sizes.size > 1 && (!before || groupName(before) !== name);
    return wanted ? [name, sizes.get(name).length] : null;
  };
  const missing = engine && engine.versions[index].status !== "available";
  byId("table").hidden = byId("filters").hidden = byId("count").hidden = missing;
  parameterBody.show(found, heading);
  missing ? showMissing(engine.versions[index]) : showCount(found.length, rows.length, "parameters");
  if (shown.parameter) markOpenRow(shown.parameter.id);
}

const groupName = ({ engine, parameter }) =>
  shown.engine ? parameter.group : `${engine.name} · ${parameter.group}`;

function versionLinks(route) {
  const { engine, index } = route;
  return engine.versions
    .map((cellOf, at) =>
      el(
        "a",
        {
          href: versionAddress(engine, at) + queryOf(route),
          class: cellOf.status === "available" ? null : "off",
          "aria-current": at === index ? "page" : null,
        },
        cellOf.version,
        cellOf.version === engine.current
          ? el(
              "span",
              { class: "dot", title: "current version" },
              el("span", { class: "hidden-text" }, "current"),
            )
          : null,
      ),
    )
    .reverse();
}

function cellFacts(engine, index) {
  const { version, lanes, onlyStatic, environment, sources, limitations } = engine.versions[index];
  const words = [
    lanes.length ? `${lanes.join(" and ")} lane${lanes.length > 1 ? "s" : ""}` : null,
    onlyStatic ? `static facts only: ${onlyStatic}` : null,
    environment ? `run in ${environment}` : null,
    sources.length ? `read from ${sources.join(", ")}` : null,
  ].filter(Boolean);
  const link = el(
    "a",
    { href: `#limitations-${engine.name}-${version}` },
    limitations === 1 ? "1 limitation" : `${limitations} limitations`,
  );
  return [words.join(" · "), ...(limitations ? [words.length ? " · " : "", link] : [])];
}

/** A version of which nothing is known but why. */
function showMissing({ status, reason }) {
  byId("empty").hidden = false;
  byId("empty").replaceChildren(
    el("strong", null, status[0].toUpperCase() + status.slice(1)),
    el("br"),
    reason,
  );
}

function showCount(found, all, what) {
  byId("count").textContent = found === all ? `${all} ${what}` : `${found} of ${all} ${what}`;
  byId("empty").hidden = found > 0;
  byId("empty").textContent = all ? `None of the ${what} match.` : "Nothing changed.";
}

function showChanges() {
  const { engine, from, to } = shown;
  byId("table").hidden = true;
  byId("filters").hidden = byId("count").hidden = false;
  const changes = changesOf(shown);
  const found = filterChanges(changes, shown);
  fillVersionChoice(byId("from"), engine, from);
  fillVersionChoice(byId("to"), engine, to);
  byId("head-from").textContent = engine.versions[from].version;
  byId("head-to").textContent = engine.versions[to].version;
  const oneLane = [from, to]
    .filter((index) => !engine.versions[index].lanes.includes("live"))
    .map((index) => engine.versions[index].version);
  byId("compare-facts").textContent = oneLane.length
    ? `Effective defaults are not compared: the live lane did not run for ${oneLane.join(" and ")}.`
    : "";
  byId("kinds").replaceChildren(
    byId("kinds").firstElementChild,
    ...[...countKinds(changes)].filter(([, count]) => count).map(kindChip),
  );
  changeBody.show(found, () => null);
  showCount(found.length, changes.length, "changed parameters");
}

const kindChip = ([kind, count]) =>
  el(
    "label",
    null,
    el("input", { type: "checkbox", value: kind, checked: shown.kinds.includes(kind) }),
    el("span", null, kind, " ", el("b", null, String(count))),
  );

function fillVersionChoice(select, engine, chosen) {
  select.replaceChildren(
    ...availableVersions(engine)
      .reverse()
      .map((index) =>
        el("option", { value: index, selected: index === chosen }, engine.versions[index].version),
      ),
  );
}
