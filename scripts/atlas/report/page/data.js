// The embedded data: facts are indexes of a pool, unpacked for one engine when it is first shown.

const DATA = JSON.parse(byId("data").textContent);
const unpacked = new Map();

/** An engine with its parameters unpacked; undefined when there is none of that name. */
function loadEngine(name) {
  const packed = DATA.engines.find((engine) => engine.name === name);
  if (packed && !unpacked.has(name)) unpacked.set(name, unpackEngine(packed));
  return unpacked.get(name);
}

function unpackEngine(packed) {
  const variants = packed.variants.map(unpackFacts);
  const parameters = packed.parameters.map(([id, group, path, numbers, evidence]) => ({
    id: DATA.pool[id],
    group: packed.groups[group],
    path: DATA.pool[path],
    facts: numbers.map((number) => (number ? variants[number - 1] : null)),
    evidence: evidence.map(unpackEvidence),
  }));
  return { ...packed, parameters, byId: new Map(parameters.map((parameter) => [parameter.id, parameter])) };
}

function unpackFacts(indexes) {
  const facts = { packed: indexes };
  indexes.forEach((index, position) => {
    if (index) facts[DATA.facts[position]] = DATA.pool[index];
  });
  return facts;
}

function unpackEvidence(numbers) {
  const seen = [];
  for (let at = 0; at < numbers.length; at += 3) {
    const [lane, file, line] = numbers.slice(at, at + 3);
    seen.push({ lane: DATA.lanes[lane], file: DATA.pool[file], line });
  }
  return seen;
}

const versionIndex = (engine, version) => engine.versions.findIndex((cell) => cell.version === version);

/** Indexes of the versions that have parameters, oldest first. */
function availableVersions(engine) {
  return engine.versions.flatMap((cell, index) => (cell.status === "available" ? [index] : []));
}

/** The version shown when none is asked for: the current one, else the newest there is. */
function defaultVersion(engine) {
  const available = availableVersions(engine);
  const current = versionIndex(engine, engine.current);
  return available.includes(current) || !available.length ? current : available.at(-1);
}

/** How a parameter differs between two versions (indexes): the same rule as history.py. */
function changeKinds(engine, parameter, from, to) {
  const [old, now] = [parameter.facts[from], parameter.facts[to]];
  if (!old || !now) return old === now ? [] : [old ? "removed" : "added"];
  if (old === now) return [];
  const bothLive = [from, to].every((index) => engine.versions[index].lanes.includes("live"));
  const changed = ([kind, facts]) =>
    kind === DATA.effectiveKind
      ? bothLive && inEffectDiffers(old, now)
      : facts.some((fact) => differs(old, now, fact));
  return Object.entries(DATA.kinds)
    .filter(changed)
    .map(([kind]) => kind);
}

function differs(old, now, fact) {
  const position = DATA.facts.indexOf(fact);
  return (old.packed[position] ?? 0) !== (now.packed[position] ?? 0);
}

/** What counts when nothing is set. */
const inEffect = (facts) => facts.effective?.text ?? facts.default;
const inEffectDiffers = (old, now) =>
  Boolean(old.effective || now.effective) && inEffect(old) !== inEffect(now);

/** The changes of one parameter through all versions that have parameters. */
function parameterHistory(engine, parameter) {
  return availableVersions(engine).map((index, at, all) => ({
    index,
    version: engine.versions[index].version,
    present: parameter.facts[index] !== null,
    before: at ? all[at - 1] : null,
    kinds: at ? changeKinds(engine, parameter, all[at - 1], index) : [],
  }));
}

/** The address of a line of source, or null where the engine has no address pattern. */
function sourceUrl(engine, version, { file, line }) {
  if (!engine.sourceUrl?.startsWith("https://") || !file) return null;
  const parts = { version: encodeURIComponent(version), file: encodeURI(file), line: line || 1 };
  return engine.sourceUrl.replace(/\{(version|file|line)\}/g, (_, name) => parts[name]);
}
