// Building elements. Text only ever becomes text nodes: nothing here parses HTML.

const byId = (id) => document.getElementById(id);

/** An element; `attributes` with null or false are left out, children may be nested lists. */
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const code = (...children) => el("code", null, ...children);

/** Text that may be broken after `_`, `.`, `/` and before capitals, where long names should break. */
function breakable(text) {
  return text.split(/(?<=[_./,|])/).flatMap((part, index) => (index ? [el("wbr"), part] : [part]));
}

/** A piece of documentation: `code` in backticks becomes <code>; `wrap` marks up the rest. */
function prose(text, wrap = (part) => part) {
  return text
    .split(/(``[^`]+``|`[^`\n]+`)/)
    .map((part, index) => (index % 2 ? code(wrap(part.replace(/^`+|`+$/g, ""))) : wrap(part)));
}

const ITEM = /^\s*(?:[-*•]|\d+[.)])\s+/;

/** Documentation with its line breaks undone: paragraphs end at blank lines, items begin with a mark. */
function paragraphs(text) {
  return text.split(/\n\s*\n/).flatMap((block) => {
    const pieces = [];
    for (const line of block.split("\n").filter((one) => one.trim())) {
      if (ITEM.test(line)) pieces.push({ item: true, text: line.replace(ITEM, "") });
      else if (pieces.length) pieces.at(-1).text += ` ${line.trim()}`;
      else pieces.push({ item: false, text: line.trim() });
    }
    return pieces.map(({ item, text: words }) => el("p", { class: item ? "item" : null }, prose(words)));
  });
}
