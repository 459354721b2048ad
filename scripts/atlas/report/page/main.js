// What is shown follows the address; what one types and ticks goes back into it.

let shown = null;

let addressTimer = null;

/** Show what the address asks for; the list is rendered anew only when it differs. */
function follow() {
  const route = parseRoute(location.hash);
  const listed = shown && shown.view !== "overview" ? addressOf(shown, { list: true }) : null;
  const moved = !shown || shown.view !== route.view || shown.engine !== route.engine;
  shown = route;
  byId("overview").hidden = route.view !== "overview";
  byId("engine").hidden = route.view === "overview";
  markEngines(route);
  if (route.view === "overview") {
    closeDetail();
    document.title = "Engine Atlas";
    showAnchor(route.anchor, moved);
    return;
  }
  if (listed !== addressOf(route, { list: true })) showEngine(route);
  if (moved) scrollTo(0, 0);
  route.parameter ? openDetail(route) : closeDetail();
  document.title = titleOf(route);
}

/** The list anew for what stands in the form; the address follows when typing pauses. */
function refine() {
  const ticked = (id) => [...byId(id).querySelectorAll("input:checked")].map((box) => box.value);
  shown = {
    ...shown,
    text: byId("text").value,
    group: byId("group").value,
    only: ticked("only"),
    kinds: ticked("kinds"),
  };
  byId("close")?.setAttribute("href", addressOf(shown, { list: true }));
  byId("reset").hidden = !isFiltered(shown);
  showList();
  clearTimeout(addressTimer);
  addressTimer = setTimeout(() => history.replaceState(null, "", addressOf(shown)), 250);
}

function resetFilters() {
  byId("text").value = byId("group").value = "";
  document.querySelectorAll("#filters input[type=checkbox]").forEach((box) => (box.checked = false));
  refine();
}

/** A chip that was ticked is rendered anew: keep the focus on it. */
function refineByChip(event) {
  const { value } = event.target;
  refine();
  byId("kinds")
    .querySelector(`input[value="${CSS.escape(value)}"]`)
    ?.focus();
}

function go(address) {
  history.pushState(null, "", address);
  follow();
}

function start() {
  byId("engines").hidden = byId("jump").hidden = false;
  byId("text").addEventListener("input", refine);
  byId("group").addEventListener("change", refine);
  byId("only").addEventListener("change", refine);
  byId("kinds").addEventListener("change", refineByChip);
  byId("reset").addEventListener("click", resetFilters);
  byId("from").addEventListener("change", () =>
    go(addressOf({ ...shown, from: Number(byId("from").value) })),
  );
  byId("to").addEventListener("change", () => go(addressOf({ ...shown, to: Number(byId("to").value) })));
  byId("swap").addEventListener("click", () => go(addressOf({ ...shown, from: shown.to, to: shown.from })));
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("jump").addEventListener("submit", (event) => {
    event.preventDefault();
    go(`#all${queryOf({ text: byId("jump-text").value, group: "", only: [], kinds: [] })}`);
    byId("text").focus();
  });
  byId("skip").addEventListener("click", (event) => {
    event.preventDefault();
    byId("content").focus();
  });
  byId("detail").addEventListener("cancel", (event) => {
    event.preventDefault();
    closeByKey();
  });
  addEventListener("keydown", onKey);
  addEventListener("hashchange", follow);
  watchScrolling();
  follow();
}

start();
