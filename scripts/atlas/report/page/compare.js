// Differences between two versions: one row a changed parameter.

/** All changes from one version to another, in the order of the parameters. */
function changesOf({ engine, from, to }) {
  return engine.parameters.flatMap((parameter) => {
    const kinds = changeKinds(engine, parameter, from, to);
    return kinds.length ? [{ parameter, kinds }] : [];
  });
}

/** The changes that pass the filters; of a changed parameter only the kinds asked for remain. */
function filterChanges(changes, route) {
  const kept = changes
    .filter(({ parameter }) => !route.group || parameter.group === route.group)
    .map((change) => ({
      ...change,
      kinds: route.kinds.length ? change.kinds.filter((kind) => route.kinds.includes(kind)) : change.kinds,
    }))
    .filter(({ kinds }) => kinds.length);
  return ranked(kept, route.text, ({ parameter }) => [
    parameter,
    parameter.facts[route.to] ?? parameter.facts[route.from],
  ]);
}

/** How many changes there are of each kind. */
function countKinds(changes) {
  const counts = new Map(["added", "removed", ...Object.keys(DATA.kinds)].map((kind) => [kind, 0]));
  changes.forEach(({ kinds }) => kinds.forEach((kind) => counts.set(kind, counts.get(kind) + 1)));
  return counts;
}

/** The rows of one parameter: one for each kind of change, its name beside all of them. */
function changeRows({ parameter, kinds }, route) {
  const { engine, from, to } = route;
  const shownAt = parameter.facts[to] ? to : from;
  const link = el(
    "a",
    { class: "name", href: parameterAddress(engine, shownAt, parameter) },
    pathText(parameter.path, highlighter(words(route.text))),
  );
  return kinds.map((kind, at) => {
    const [before, after] = changeSides(kind, parameter.facts[from], parameter.facts[to]);
    return el(
      "tr",
      { role: "row", class: at ? "further" : null },
      at ? null : el("th", { role: "rowheader", scope: "row", class: "c-name", rowspan: kinds.length }, link),
      cell("c-kind", null, kindLabel(kind)),
      cell("c-from", engine.versions[from].version, before),
      cell("c-to", engine.versions[to].version, after),
    );
  });
}

/** What stands in the columns of the two versions. */
function changeSides(kind, old, now) {
  const absent = el("span", { class: "muted" }, "absent");
  if (kind === "added") return [absent, wholeText(now)];
  if (kind === "removed") return [wholeText(old), absent];
  const [before, after] = [old, now].map((facts) => tokens(kind, facts));
  return before && after ? tokenChanges(before, after, kind) : [factText(kind, old), factText(kind, now)];
}

const LONG = 60;

/** The parts in which two versions of a fact are compared one by one; null where they are better shown whole. */
function tokens(kind, facts) {
  if (kind === "values") return facts.values ?? null;
  const text = kind === "description" ? facts.description : kind === "default" ? facts.default : null;
  return text && (kind === "description" || text.length > LONG) ? text.split(/\s+/).filter(Boolean) : null;
}

/** The name of a kind of change, coloured where it says that something came or went. */
const kindLabel = (kind) =>
  el("span", { class: ["added", "removed"].includes(kind) ? `kind ${kind}` : "kind" }, kind);

/** A parameter that only one of the versions has, in a line. */
const wholeText = (facts) => [
  typeText(facts),
  facts.default_kind === "required" ? " " : " = ",
  defaultText(facts),
];

const CONTEXT = 8;
const MOST_WORDS = 600;

/** Two lists of words with those marked in which they differ, and long equal parts left out. */
function tokenChanges(before, after, kind) {
  const [keptBefore, keptAfter] =
    before.length > MOST_WORDS || after.length > MOST_WORDS
      ? [new Set(), new Set()]
      : commonWords(before, after);
  const wrap = kind === "description" ? (text) => [text] : (text) => [code(breakable(text))];
  return [markWords(before, keptBefore, "del", wrap), markWords(after, keptAfter, "ins", wrap)];
}

/** For each of two lists, which words belong to their longest common subsequence. */
function commonWords(before, after) {
  const length = before
    .map(() => new Uint16Array(after.length + 1))
    .concat([new Uint16Array(after.length + 1)]);
  for (let i = before.length - 1; i >= 0; i -= 1) {
    for (let j = after.length - 1; j >= 0; j -= 1) {
      length[i][j] =
        before[i] === after[j] ? length[i + 1][j + 1] + 1 : Math.max(length[i + 1][j], length[i][j + 1]);
    }
  }
  const [keptBefore, keptAfter] = [new Set(), new Set()];
  for (let i = 0, j = 0; i < before.length && j < after.length;) {
    if (before[i] === after[j]) {
      keptBefore.add(i++);
      keptAfter.add(j++);
    } else if (length[i + 1][j] >= length[i][j + 1]) i += 1;
    else j += 1;
  }
  return [keptBefore, keptAfter];
}

function markWords(list, kept, tag, wrap) {
  const runs = [];
  list.forEach((word, at) => {
    const same = kept.has(at);
    if (runs.at(-1)?.same === same) runs.at(-1).words.push(word);
    else runs.push({ same, words: [word] });
  });
  return runs.map(({ same, words: run }, at) => [
    same ? wrap(shortened(run, at > 0, at < runs.length - 1)) : el(tag, null, wrap(run.join(" "))),
    " ",
  ]);
}

/** An equal part: some words after the change before it, and some before the change after it. */
function shortened(run, changeBefore, changeAfter) {
  if (run.length <= 2 * CONTEXT + 2) return run.join(" ");
  const head = changeBefore ? run.slice(0, CONTEXT).join(" ") : "";
  const tail = changeAfter ? run.slice(-CONTEXT).join(" ") : "";
  return [head, "…", tail].filter(Boolean).join(" ");
}
