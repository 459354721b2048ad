// The rules of a version: what it rejects, warns about or changes, by class, rendered as one scrolls.

const SEVERITY = { error: "bad", warn: "warn", dormant: "" };
const unpackedRules = new Map();

const ruleBody = lazyBody(byId("rule-rows"), (rule) => ruleRow(rule, shown), 4);

/** The rules of a version, unpacked when they are first shown. */
function rulesOf({ engine, index }) {
  const packed = engine.versions[index].rules;
  if (!unpackedRules.has(packed)) unpackedRules.set(packed, packed.map(unpackRule));
  return unpackedRules.get(packed);
}

function unpackRule(indexes) {
  const rule = Object.fromEntries(DATA.rule.map((name, at) => [name, DATA.pool[indexes[at]]]));
  rule.text = plain([rule.target, rule.when, rule.message, rule.effect, rule.requires].filter(Boolean).join("\n"));
  return rule;
}

const className = (rule) => rule.target.split(".").at(-1);

/** What a rule may be filtered by: its severity, or that it requires more than the configuration. */
const ruleKinds = (rule) => [rule.severity, ...(rule.requires ? ["conditional"] : [])];

function filterRules(rules, { text, group, kinds }) {
  const wanted = words(text);
  return rules.filter(
    (rule) =>
      (!group || className(rule) === group) &&
      (!kinds.length || ruleKinds(rule).some((kind) => kinds.includes(kind))) &&
      wanted.every((word) => rule.text.includes(word)),
  );
}

function ruleRow(rule, route) {
  const { engine, index } = route;
  const pattern = highlighter(words(route.text));
  const shownCode = (text) => code(marked(text, pattern));
  return el(
    "tr",
    { role: "row", "data-id": rule.id },
    el(
      "th",
      { role: "rowheader", scope: "row" },
      el("span", { class: `badge ${SEVERITY[rule.severity]}`, title: rule.id }, rule.severity),
      el("div", { class: "home" }, rule.depth),
    ),
    cell("c-when", "When", shownCode(rule.when)),
    cell(
      "c-to",
      "What happens",
      el("div", null, marked(rule.effect, pattern)),
      rule.message ? el("div", { class: "clamp tall" }, prose(rule.message, (part) => marked(part, pattern))) : null,
      rule.requires ? el("div", { class: "needs" }, "requires ", marked(rule.requires, pattern)) : null,
    ),
    cell(
      "c-source",
      "Source",
      rule.file ? evidenceLink(engine, index, rule, rule.file.split("/").at(-1)) : null,
    ),
  );
}

function showRules() {
  const { engine, index } = shown;
  byId("versions").replaceChildren(...versionLinks(shown));
  byId("cell-facts").replaceChildren(proofWords(engine.versions[index].proof));
  const rules = rulesOf(shown);
  const found = filterRules(rules, shown);
  const sizes = Map.groupBy(found, className);
  const heading = (rule, before) => {
    const name = className(rule);
    return !before || className(before) !== name ? [name, sizes.get(name).length] : null;
  };
  const counts = new Map();
  rules.flatMap(ruleKinds).forEach((kind) => counts.set(kind, (counts.get(kind) ?? 0) + 1));
  byId("kinds").replaceChildren(byId("kinds").firstElementChild, ...[...counts].map(kindChip));
  byId("filters").hidden = byId("count").hidden = !rules.length;
  byId("rules").hidden = !rules.length;
  ruleBody.show(found, heading);
  showCount(found.length, rules.length, "rules");
  if (!rules.length) byId("empty").textContent = "No rule of this version was proven.";
}

function proofWords(proof) {
  if (!proof) return "No rule was tried on the engine.";
  const number = (value) => value.toLocaleString("en");
  return [
    `proven with ${number(proof.asked)} configurations`,
    `${number(proof.quarantined)} candidates held back`,
    `of a fresh sample of ${number(proof.sampled)}: ${proof.told} of the rejections told, ${proof.false_rejections} false rejections`,
  ].join(" · ");
}
