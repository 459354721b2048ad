// Text search over one version's parameters. All words must occur; `-`, `_` and `.` are the same.

const SEPARATORS = /[-_.]/g;
const haystacks = new WeakMap();

const plain = (text) => text.toLowerCase().replace(SEPARATORS, " ");
const words = (text) => plain(text).split(/\s+/).filter(Boolean);

/** What a search looks at besides the path: other names, and what is written. Parameters may share facts. */
function haystack(facts) {
  if (!haystacks.has(facts)) {
    const joined = (parts) => plain(parts.flat().filter(Boolean).join("\n"));
    haystacks.set(facts, {
      names: joined([facts.flag, facts.aliases, facts.env]),
      rest: joined([
        facts.description,
        facts.values,
        facts.type,
        facts.default,
        facts.owner,
        facts.deprecated,
      ]),
    });
  }
  return haystacks.get(facts);
}

/** How well a parameter matches: 0 best, null not at all. */
function rank(parameter, facts, wanted) {
  const path = plain(parameter.path);
  const { names, rest } = haystack(facts);
  const named = (word) => path.includes(word) || names.includes(word);
  if (!wanted.every((word) => named(word) || rest.includes(word))) return null;
  const last = plain(parameter.path.split(".").at(-1));
  const phrase = wanted.join(" ");
  const tier = [
    path === phrase,
    last === phrase,
    last.startsWith(phrase),
    path.includes(phrase),
    wanted.every(named),
  ].indexOf(true);
  return tier < 0 ? Infinity : tier;
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
