// Keyboard and scrolling.

function closeByKey() {
  if (shown.parameter) go(addressOf(shown, { list: true }));
}

/** `/` searches, Escape closes, the arrows walk through the list. */
function onKey(event) {
  const typing = event.target.matches("input, select, textarea");
  if (event.key === "Escape" && shown.parameter) {
    event.preventDefault();
    closeByKey();
  } else if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const box = shown.view === "overview" ? byId("jump-text") : byId("text");
    box.focus();
    box.select();
  } else if (event.key === "ArrowDown" && event.target === byId("text")) {
    event.preventDefault();
    document.querySelector("#engine tbody:not([hidden]) a.name")?.focus();
  } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.matches("a.name")) {
    event.preventDefault();
    stepRow(event.target, event.key === "ArrowDown" ? 1 : -1);
  }
}

function stepRow(link, step) {
  const links = [...link.closest("tbody").querySelectorAll("a.name")];
  const next = links[links.indexOf(link) + step];
  next ? next.focus() : step < 0 && byId("text").focus();
}

/** Rows are added before one scrolls to the end of those there are. */
function watchScrolling() {
  const body = () => ({ compare: changeBody, rules: ruleBody })[shown?.view] ?? parameterBody;
  const more = () => {
    while (body().pending() && byId("more").getBoundingClientRect().top < innerHeight + 1200) body().more();
  };
  new IntersectionObserver(more, { rootMargin: "1200px" }).observe(byId("more"));
  addEventListener("scroll", more, { passive: true });
  addEventListener("beforeprint", () => body().all());
}
