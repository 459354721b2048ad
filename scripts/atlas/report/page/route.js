// The address says what is shown:
//   #engine/1.2           a version          #engine/1.2/seed       a parameter's detail
//   #engine/1.1...1.2     differences        #all                   the current version of each engine
//   #engine/1.2?view=rules            what it rejects, warns about or changes
//   …?q=text&group=a&only=deprecated,limits&kinds=default            what is searched and filtered

/** What the address asks for; `view` is overview, parameters, compare or rules. */
function parseRoute(hash) {
  const [address, query = ""] = splitOnce(hash.replace(/^#/, ""), "?");
  const asked = new URLSearchParams(query);
  const list = (name) => (asked.get(name) ?? "").split(",").filter(Boolean);
  const filters = {
    text: asked.get("q") ?? "",
    group: asked.get("group") ?? "",
    only: list("only"),
    kinds: list("kinds"),
  };
  const [name, rest] = splitOnce(address, "/");
  if (name === "all") return { view: "parameters", engine: null, ...filters };
  const engine = loadEngine(decoded(name));
  if (!engine) return { view: "overview", anchor: address, ...filters };
  const [version, parameter] = splitOnce(rest, "/");
  const [from, to] = splitOnce(decoded(version), "...");
  if (to) return compareRoute(engine, from, to, filters);
  const index = versionIndex(engine, from);
  if (asked.get("view") === "rules") {
    const known = versionIndex(engine, from);
    return { view: "rules", engine, index: known < 0 ? defaultVersion(engine) : known, ...filters };
  }
  const wanted = decoded(parameter);
  const found = parameterNamed(engine, wanted);
  if (wanted && !found) filters.text ||= wanted.split(":").at(-1);
  return {
    view: "parameters",
    engine,
    index: index < 0 ? defaultVersion(engine) : index,
    parameter: found,
    ...filters,
  };
}

function compareRoute(engine, from, to, filters) {
  const [oldest, newest] = [availableVersions(engine)[0], availableVersions(engine).at(-1)];
  const known = (version, otherwise) => {
    const index = versionIndex(engine, version);
    return index < 0 ? otherwise : index;
  };
  return { view: "compare", engine, from: known(from, oldest), to: known(to, newest), ...filters };
}

/** By its name within the engine; also by its path alone, or by `group:path` where the path would do. */
function parameterNamed(engine, name) {
  const [group, path] = splitOnce(name, ":");
  return (
    engine.byId.get(name) ??
    engine.parameters.find((one) => one.path === name || (one.path === path && one.group === group)) ??
    null
  );
}

function splitOnce(text, separator) {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + separator.length)];
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const versionAddress = (engine, index) =>
  `#${engine.name}/${encodeURIComponent(engine.versions[index].version)}`;
const parameterAddress = (engine, index, parameter) =>
  `${versionAddress(engine, index)}/${encodeURIComponent(parameter.id).replace(/%3A/g, ":")}`;
const compareAddress = (engine, from, to) =>
  `${versionAddress(engine, from)}...${encodeURIComponent(engine.versions[to].version)}`;

/** The filters as the part of an address after `?`, with the mark; empty when there are none. */
function queryOf({ view, text, group, only, kinds }) {
  const parts = {
    view: view === "rules" ? view : "",
    q: text,
    group,
    only: only.join(","),
    kinds: kinds.join(","),
  };
  const query = new URLSearchParams(Object.entries(parts).filter(([, value]) => value)).toString();
  return query ? `?${query.replaceAll("%2C", ",")}` : "";
}

/** The address of a route, without its parameter when `list` is wanted. */
function addressOf(route, { list = false } = {}) {
  const query = queryOf(route);
  if (route.view === "compare") return compareAddress(route.engine, route.from, route.to) + query;
  if (!route.engine) return `#all${query}`;
  if (route.parameter && !list) return parameterAddress(route.engine, route.index, route.parameter) + query;
  return versionAddress(route.engine, route.index) + query;
}
