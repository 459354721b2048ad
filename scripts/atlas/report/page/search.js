// Text search over one version's parameters. All words must occur; `-`, `_` and `.` are the same.

const SEPARATORS = /[-_.]/g;
const haystacks = new WeakMap();

const words = (text) => text.toLowerCase().replace(SEPARATORS, " ").split(/\s+/).filter(Boolean);

/** What a search looks at: names first, then what is written about the parameter. */
function haystack(parameter, facts) {
  if (!haystacks.has(facts)) {
    const plain = (parts) => parts.flat().filter(Boolean).join("\n").toLowerCase().replace(SEPARATORS, " ");
    haystacks.set(facts, {
      names: plain([parameter.path, facts.flag, facts.aliases, facts.env]),
      rest: plain([facts.description, facts.values, facts.type, facts.default, facts.owner, facts.deprecated]),
    });
  }
  return haystacks.get(facts);
}

/** How well a parameter matches: 0 best, null not at all. */
function rank(parameter, facts, wanted) {
  const { names, rest } = haystack(parameter, facts);
  if (!wanted.every((word) => names.includes(word) || rest.includes(word))) return null;
  const name = parameter.path.toLowerCase().replace(SEPARATORS, " ");
  const last = parameter.path.split(".").at(-1).toLowerCase().replace(SEPARATORS, " ");
  const phrase = wanted.join(" ");
  const tiers = [name === phrase, last === phrase, last.startsWith(phrase), name.includes(phrase)];
  const tier = tiers.indexOf(true);
  if (tier >= 0) return tier;
  return wanted.every((word) => names.includes(word)) ? tiers.length : tiers.length + 1;
}

/** A pattern that finds the words in text as it is displayed, or null for no words. */
function highlighter(wanted) {
  if (!wanted.length) return null;
  const escaped = wanted.map((word) => word.replace(/[\\^$*+?()[\]{}|/]/g, "\\$&"));
  return new RegExp(`(${escaped.sort((a, b) => b.length - a.length).join("|")})`, "gi");
}

/** Text with the words marked. */
function marked(text, pattern, inside = breakable) {
  if (!pattern) return inside(text);
  return text.split(pattern).map((part, index) => (index % 2 ? el("mark", null, part) : inside(part)));
}

/** The part of a description worth a place in a row: its beginning, or what surrounds the first match. */
function snippet(text, pattern, length = 260) {
  const flat = text.replace(/\s+/g, " ").trim();
  const at = pattern ? flat.search(pattern) : -1;
  const start = at > length / 2 ? flat.indexOf(" ", at - length / 3) + 1 : 0;
  const part = flat.slice(start, start + length);
  return (start ? "… " : "") + part + (start + length < flat.length ? " …" : "");
}
