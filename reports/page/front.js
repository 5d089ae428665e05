// The first screen: the front answers to a click, to the keyboard and to limits, and the chosen run's card
// follows. The rule is that of `study select`: least excess over the limits, then what is minimised, then
// error, odds difference, deferral rate, the setting's id and the seed. Texts are set as text, never as HTML.
(() => {
  const $ = (id) => document.getElementById("front-" + id);
  const data = JSON.parse($("data").textContent), metrics = data.metrics, main = metrics.filter((m) => m.shown).sort((a, b) => (b.name === data.main) - (a.name === data.main)), NEAR = 4, REACH = 40;
  const column = Object.fromEntries(data.columns.map((name, i) => [name, i]));
  const named = ["setting_id", "method", "model", "decision_maker"];
  const runs = data.rows.map((row) => {
    const run = Object.fromEntries(data.columns.map((name, i) => [name, row[i]]));
    for (const name of named) run[name] = data.names[name][run[name]];
    return run;
  });
  const by_id = new Map(runs.map((run) => [run.run, run]));
  // Of the baseline's runs the one with the same seed, as in the sentences above; else the one that is drawn.
  const baseline_of = (run) => {
    const drawn = by_id.get(data.references.find((r) => r.name === "baseline")?.run);
    return drawn && (runs.find((r) => r.setting_id === drawn.setting_id && r.seed === run.seed && r.split === run.split) ?? drawn);
  };
  const write = { error: (v) => v.toFixed(3), di: (v) => v.toFixed(3), idk_rate: (v) => (100 * v).toFixed(1) + "\u00a0%" };
  const text = (metric, value) => (value === null || value === undefined ? "\u2013" : (write[metric] || write.error)(value));
  const short = (value) => (value === null ? "\u2013" : String(Number(value.toPrecision(4))));
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const inTurn = (one, other) => one.map((a, i) => compare(a, other[i])).find((c) => c) || 0;
  // As a shell reads it: one word.
  const word = (given) => (/^[\w~.\/:@%+=,-]+$/.test(given) ? given : "'" + given.replace(/'/g, "'\\''") + "'");
  const trained = (run) => "seed " + run.seed + (run.split === undefined ? "" : ", split " + run.split);
  function element(name, content, attributes) {
    const made = document.createElement(name);
    if (content !== undefined) made.textContent = content;
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }

  // What a person sets, as controls; the address keeps what differs from how the page begins.
  const controls = { idk: $("idk"), minimise: $("minimise"), decision_maker: $("decision_maker"), model: $("model"), directory: $("directory"), split: $("split"), least: $("least"),
    ...Object.fromEntries(metrics.filter((m) => m.flag !== "idk").map((m) => [m.flag, $(m.flag)])) };
  for (const name of Object.keys(controls)) if (!controls[name]) delete controls[name];
  const methods = [...$("methods").querySelectorAll("input")];
  const begin = Object.fromEntries(Object.entries(controls).map(([name, control]) => [name, control.value]));
  let taken = null, ranked = [], zoom = 1, here = [], view = null;
  const value = (name) => (controls[name] ? controls[name].value : "");
  const off = () => methods.filter((m) => !m.checked).map((m) => m.value);

  function keep() {
    const kept = new URLSearchParams();
    for (const [name, control] of Object.entries(controls)) if (control.value !== begin[name]) kept.set(name, control.value);
    if (off().length) kept.set("off", off().join(","));
    if ($("degenerate")?.checked) kept.set("degenerate", "1");
    if (taken) kept.set("run", taken.run);
    history.replaceState(null, "", kept.size ? "#" + kept : location.pathname + location.search);
  }
  function restore() {
    const kept = new URLSearchParams(location.hash.slice(1));
    for (const [name, control] of Object.entries(controls)) control.value = kept.get(name) ?? begin[name];
    const hidden = (kept.get("off") || "").split(",");
    for (const method of methods) method.checked = !hidden.includes(method.value);
    if ($("degenerate")) $("degenerate").checked = kept.has("degenerate");
    taken = by_id.get(kept.get("run")) || null;
  }

  const limit = (metric) => (value(metric.flag) === "" ? Infinity : Number(value(metric.flag)));
  function rank() {
    const hidden = off(), model = value("model"), maker = value("decision_maker");
    const least = metrics.find((m) => m.flag === value("minimise")).name, all = $("degenerate")?.checked;
    const asked = metrics.filter((m) => m.name === least || limit(m) < Infinity), lowest = Number(value("least") || 0);
    ranked = runs.filter((run) => (all || !run.degenerate) && asked.every((m) => run["validation_" + m.name] !== null) && !hidden.includes(run.method) && (model === "" || run.model === model)
        && (maker === "" || run.decision_maker === maker || run.decision_maker === "none"))
      .map((run) => {
        const over = metrics.map((m) => Math.max(0, run["validation_" + m.name] - limit(m)) + (m.flag === "idk" ? Math.max(0, lowest - run.validation_idk_rate) : 0));
        return { run, over, order: [over.reduceRight((sum, o) => sum + o, 0), run["validation_" + least],
          ...["error", "di", "idk_rate"].map((name) => run["validation_" + name]), run.setting_id, run.seed] };
      })
      .sort((a, b) => inTurn(a.order, b.order));
  }

  // ---- the picture
  const split = () => value("split");
  const at = (row) => ({ x: row[split() + "_di"], y: row[split() + "_" + data.main] });
  const references = () => data.references.filter((r) => [null, value("decision_maker") || r.decision_maker].includes(r.decision_maker))
    .map((r) => ({ ...at(r), name: r.name })).filter((r) => r.x !== undefined && r.x !== null);
  function drawn() {
    const within = ranked.filter((entry) => entry.order[0] === 0).map((entry) => ({ ...entry, ...at(entry.run) }))
      .filter((entry) => entry.x !== null).sort((a, b) => a.x - b.x || a.y - b.y);
    let lowest = Infinity;
    const front = within.filter((entry) => entry.y < lowest && ((lowest = entry.y), true));
    const best = new Set(front.map((entry) => entry.run));
    const points = ranked.map(({ run, order }) => ({ ...at(run), run, method: run.method, idk: run[split() + "_idk_rate"],
      shown: order[0] > 0 ? 0.12 : best.has(run) ? 1 : 0.55, size: best.has(run) ? 70 : 34 }))
      .filter((point) => point.x !== null && point.y !== null).sort((a, b) => a.shown - b.shown);
    return { points, front: front.map(({ x, y }) => ({ x, y })) };
  }
  function ends(points, axis) {
    const all = [...points, ...references()].map((point) => point[axis]);
    let [low, high] = [Math.min(...all), Math.max(...all)];
    const pad = 0.04 * (high - low || 1);
    [low, high] = [low - pad, high + pad];
    if (zoom === 1) return [low, high];
    const middle = at(current().run)[axis], half = (high - low) / zoom / 2;
    return [middle - half, middle + half];
  }
  let points = [];
  function draw() {
    if (!view) return;
    const now = drawn();
    points = now.points;
    const chosen = current();
    if (points.length) for (const axis of ["x", "y"]) ends(points, axis).forEach((end, i) => view.signal(axis + i, end));
    view.data("runs", points).data("front", now.front).data("references", references()).resize();
    mark(chosen && at(chosen.run));
  }
  function mark(chosen, hovered) {
    const rings = [chosen && { ...chosen, size: 330 }, hovered && { ...hovered, size: 160 }];
    view.data("marked", rings.filter((ring) => ring && ring.x !== null && ring.x !== undefined)).runAsync();
  }
  // Where a point is on the screen, from the top left of the plot's element.
  const place = (point) => {
    const [left, top] = view.origin();
    return [left + view.scale("x")(point.x), top + view.scale("y")(point.y)];
  };
  function nearest(x, y, reach) {
    let found = null, least = reach * reach;
    for (const point of points) {
      const [px, py] = place(point), distance = (px - x) ** 2 + (py - y) ** 2;
      // Of points that coincide the last one, which is drawn on top.
      if (distance <= least) [found, least] = [point, distance];
    }
    return found;
  }
  // All runs at a point, the best first: those that a finger could not tell apart.
  function together(point) {
    const [x, y] = place(point), order = new Map(ranked.map((entry, i) => [entry.run, i]));
    return points.filter((other) => Math.hypot(place(other)[0] - x, place(other)[1] - y) <= NEAR)
      .map((other) => other.run).sort((a, b) => order.get(a) - order.get(b));
  }
  function inside(event) {
    const box = $("plot").querySelector("svg").getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }
  function hover(event) {
    const point = view && nearest(...inside(event), REACH), tip = $("tip"), chosen = current();
    tip.hidden = !point;
    mark(chosen && at(chosen.run), point);
    if (!point) return;
    const { run } = point, more = together(point).length - 1;
    tip.replaceChildren(element("strong", run.method + " \u00b7 " + run.model), ...[
      main.map((m) => m.title + " " + text(m.name, run[split() + "_" + m.name])).join(", "),
      "alpha " + short(run.alpha) + (run.gamma === null ? "" : ", gamma " + short(run.gamma)) + ", " + trained(run) + ", run " + run.run.slice(0, 8),
      more ? more + (more > 1 ? " more runs" : " more run") + " here: click again" : ""].filter(Boolean).map((line) => element("div", line)));
    const [x, y] = place(point), wide = $("plot").clientWidth;
    tip.style.left = Math.max(0, Math.min(x + 14, wide - tip.offsetWidth)) + "px";
    tip.style.top = (y > tip.offsetHeight + 24 ? y - tip.offsetHeight - 14 : y + 18) + "px";
  }
  function click(event) {
    const point = view && nearest(...inside(event), REACH);
    if (!point) return;
    const all = together(point), chosen = current();
    take(all[(all.indexOf(chosen && chosen.run) + 1) % all.length]);
  }
  function take(run) {
    taken = run;
    update();
  }
  const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  function key(event) {
    const way = DIRECTIONS[event.key], chosen = current();
    if (!way || !view || !chosen) return;
    event.preventDefault();
    const [x, y] = place(at(chosen.run));
    let found = null, least = Infinity;
    for (const point of points) {
      const [px, py] = place(point), along = (px - x) * way[0] + (py - y) * way[1];
      const aside = Math.abs((px - x) * way[1]) + Math.abs((py - y) * way[0]), cost = along + 2 * aside;
      if (along > 0.5 && cost < least) [found, least] = [point, cost];
    }
    if (found) take(together(found)[0]);
  }

  // ---- the card
  const current = () => (taken ? ranked.find((entry) => entry.run === taken) || { run: taken, over: metrics.map(() => 0), order: [0] } : ranked[0]);
  function ends_of(run, metric) {
    const low = run[metric + "_low"];
    return low === null || low === undefined ? "" : text(metric, low).replace("\u00a0%", "") + " to " + text(metric, run[metric + "_high"]);
  }
  function card() {
    const chosen = current();
    $("card").classList.toggle("empty", !chosen);
    if (!chosen) { $("lead").textContent = "No run matches."; return; }
    const { run, over, order } = chosen, within = ranked.filter((entry) => entry.order[0] === 0).length;
    const beyond = metrics.filter((m, i) => over[i] > 0)
      .map((m) => m.title + " by " + Number(over[metrics.indexOf(m)].toPrecision(3)));
    const best = ranked[0] && run === ranked[0].run;
    // A page that holds some of the runs has the best of all under upper limits, if it has the whole front.
    const whole = runs.length === data.known, all = data.known.toLocaleString("en");
    const sure = whole || (data.whole && value("least") === "" && !$("degenerate")?.checked);
    const of = whole ? "of " + within.toLocaleString("en") + " runs" : sure ? "of all runs" : "of the runs on this page";
    const lead = !within ? "No run " + (sure ? "" : "on this page ") + "is within the limits. " + (best ? "The nearest is" : "Your choice is")
      : best ? "The best " + of + " within the limits, by validation" : "Your choice";
    $("lead").textContent = lead + (order[0] > 0 ? ": over the limit of " + beyond.join(" and of ") : "") + ":";
    $("select-what").textContent = sure ? "The same choice in the shell:" : "The choice among all " + all + " runs, in the shell:";
    $("name").textContent = run.method + " \u00b7 " + run.model + (run.decision_maker === "none" ? "" : " \u00b7 " + (data.called[run.decision_maker] ?? run.decision_maker));
    $("name").append(element("span", "alpha " + short(run.alpha) + (run.gamma === null ? "" : ", gamma " + short(run.gamma)) + ", " + trained(run) + " \u00b7 run ", { class: "soft" }));
    $("name").lastChild.append(element("code", run.run.slice(0, 12)));
    const rank = ranked.findIndex((entry) => entry.run === run);
    $("place").textContent = rank < 0 ? "" : (rank + 1).toLocaleString("en") + " of " + ranked.length.toLocaleString("en");
    $("best").disabled = best; $("before").disabled = rank <= 0; $("after").disabled = rank < 0 || rank === ranked.length - 1;
    const base = baseline_of(run) ?? data.references.find((r) => r.name === "baseline");
    const alone = data.references.find((r) => r.name === "decision-maker" && r.decision_maker === (run.decision_maker === "none" ? value("decision_maker") || r.decision_maker : run.decision_maker));
    const lines = [["Validation", run, "validation_"], ["Test", run, "test_"], ["Baseline, test", base, "test_"],
      ["Decision-maker alone, test", alone, "test_"]].filter((line) => line[1]);
    $("table").tBodies[0].replaceChildren(...lines.map(([what, of, prefix]) => {
      const line = element("tr", undefined, what === "Test" ? { class: "main" } : {});
      line.append(element("th", what, { scope: "row" }), ...main.map((m) => {
        const cell = element("td", text(m.name, of[prefix + m.name]), { class: "number" });
        if (what === "Test" && ends_of(run, m.name)) cell.append(element("div", ends_of(run, m.name), { class: "interval" }));
        return cell;
      }));
      return line;
    }));
    const others = runs.filter((other) => other.setting_id === run.setting_id && other !== run);
    $("seeds").hidden = !others.length;
    if (others.length) {
      const range = ({ name }) => { const all = others.map((o) => o["test_" + name]).filter((v) => v !== null);
        return text(name, Math.min(...all)).replace("\u00a0%", "") + " to " + text(name, Math.max(...all)); };
      $("seeds").textContent = "Trained " + others.length + (others.length > 1 ? " more times" : " more time") + " under other seeds" + (run.split === undefined ? "" : " or on other splits") + ": test "
        + main.map((m) => m.title + " " + range(m)).join(", ") + "."
        + (run.unstable ? " Unstable: on validation, deferral rates of this setting differ by more than 10 points between seeds." : "");
    }
    const directory = word(value("directory") || "."), words = ["study select", directory];
    $("export").textContent = ["study export", directory, word(run.run), "--out model"].join(" ");
    metrics.forEach((m) => { if (limit(m) < (m.flag === "idk" ? 1 : Infinity)) words.push("--max-" + m.flag, value(m.flag)); });
    if (value("least") !== "") words.push("--min-idk", value("least"));
    if ($("degenerate")?.checked) words.push("--include-degenerate");
    if (value("minimise") !== "error") words.push("--minimise", value("minimise"));
    const on = methods.filter((m) => m.checked).map((m) => m.value);
    if (on.length === 1 && methods.length > 1) words.push("--method", word(on[0]));
    for (const name of ["model", "decision_maker"]) if (value(name)) words.push("--" + name.replace("_", "-"), word(value(name)));
    $("select").textContent = words.join(" ");
    $("select-line").hidden = !best || (on.length > 1 && on.length < methods.length);
    here = view && points.some((p) => p.run === run) ? together(points.find((p) => p.run === run)) : [run];
    $("here").hidden = here.length < 2;
    $("here").firstElementChild.textContent = here.length + " runs at this point";
    $("here").lastElementChild.replaceChildren(...here.map((other) => {
      const button = element("button", other.method + " \u00b7 " + other.model + ", " + trained(other) + ", run " + other.run.slice(0, 12), { type: "button", "aria-pressed": String(other === run) });
      button.addEventListener("click", () => { take(other); [...$("here").querySelectorAll("button")].find((b) => b.getAttribute("aria-pressed") === "true")?.focus(); });
      const item = element("li");
      item.append(button);
      return item;
    }));
  }
  // ---- the chosen run by group and outcome
  let cells = null;
  function wilson(count, of) {
    const z = 1.959964, p = count / of, middle = (p + z * z / 2 / of) / (1 + z * z / of);
    const half = z / (1 + z * z / of) * Math.sqrt(p * (1 - p) / of + z * z / 4 / of / of);
    return { low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
  }
  function rates(run) {
    const given = data.cells, i = runs.indexOf(run), cases = given.cases[given.of[i]];
    return ["errors", "deferred"].flatMap((what, w) => given[what][i].map((count, cell) => ({ row: given.rows[2 * w + cell % 2],
      group: Math.floor(cell / 2), value: cases[cell] ? count / cases[cell] : null, count, cases: cases[cell],
      ...(given.independent && cases[cell] ? wilson(count, cases[cell]) : {}) }))).filter((rate) => rate.value !== null);
  }
  function by_group() {
    const chosen = current();
    if (!cells || !chosen) return;
    const base = baseline_of(chosen.run);
    const maker = chosen.run.decision_maker === "none" ? value("decision_maker") || data.references.find((r) => r.decision_maker)?.decision_maker : chosen.run.decision_maker;
    const alone = (data.cells.alone[maker] || []).map((rate, cell) => ({ row: data.cells.rows[cell % 2], group: Math.floor(cell / 2), value: rate, name: "decision-maker" }));
    const others = [...(base ? rates(base).map((rate) => ({ ...rate, name: "baseline" })) : []), ...alone.filter((rate) => rate.value !== null)];
    const own = rates(chosen.run);
    cells.data("cells", own).data("others", others).resize().runAsync();
    $("cells-text").textContent = own.map((rate) => rate.row + ", " + data.cells.groups[rate.group] + ": " + (100 * rate.value).toFixed(1) + " % (" + rate.count + " of " + rate.cases + ")").join("; ") + ".";
  }
  // ---- what other shares of deferred cases would give the chosen run
  let curve = null;
  function other_shares() {
    const chosen = current();
    if (!curve || !chosen) return;
    const errors = data.curves.errors[chosen.run.run];
    $("curve-box").classList.toggle("none", !errors);
    if (!errors) return;
    const [alone, first, last] = [errors[errors.length - 1], errors[0], errors.length - 1];
    const line = (name, ends) => ends.map(([share, error]) => ({ name, share, error }));
    curve.data("lines", [...line("by benefit", errors.map((error, i) => [i / last, error])), ...line("at random", [[0, first], [1, alone]]),
      ...line("decision-maker alone", [[0, alone], [1, alone]])])
      .data("own", [{ share: chosen.run.test_idk_rate, error: chosen.run["test_" + data.main] }]).resize().runAsync();
    const at = (share) => text("error", errors[Math.round(share * last)]);
    $("curve-text").textContent = "Test " + main[0].title + " " + [0, 0.1, 0.2, 0.3, 0.5, 1].map((share) => at(share) + " with " + 100 * share + " % deferred").join(", ") + ".";
  }
  function update() {
    const share = Number(value("idk"));
    $("idk-text").textContent = share === 1 ? "no limit" : share === 0 ? "none" : Math.round(100 * share) + " %";
    controls.idk.setAttribute("aria-valuetext", $("idk-text").textContent);
    for (const { flag } of [...metrics, { flag: "least" }]) controls[flag].setAttribute("aria-invalid", String(!controls[flag].validity.valid && !controls[flag].validity.stepMismatch));
    for (const part of document.querySelectorAll(".part")) {
      part.hidden = controls.decision_maker && value("decision_maker") !== "" && part.dataset.decisionMaker !== value("decision_maker");
    }
    rank();
    draw();
    card();
    by_group();
    other_shares();
    keep();
  }
  async function copy(code, button) {
    try {
      await navigator.clipboard.writeText(code.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(code);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  }
  const step = (by) => { const i = ranked.findIndex((entry) => entry.run === current().run) + by; if (ranked[i]) take(ranked[i].run); };

  for (const form of [$("form"), $("limits")]) form.addEventListener("submit", (event) => event.preventDefault());
  for (const control of [...Object.values(controls), ...methods]) {
    control.addEventListener("input", () => { if (![controls.directory, controls.split].includes(control)) { taken = null; zoom = 1; } update(); });
  }
  $("degenerate")?.addEventListener("input", () => { taken = null; zoom = 1; update(); });
  $("reset").addEventListener("click", () => { history.replaceState(null, "", "#"); zoom = 1; restore(); update(); });
  $("best").addEventListener("click", () => take(null));
  $("before").addEventListener("click", () => step(-1));
  $("after").addEventListener("click", () => step(1));
  $("closer").addEventListener("click", () => { zoom *= 2; draw(); });
  $("whole").addEventListener("click", () => { zoom = 1; draw(); });
  addEventListener("hashchange", () => { if (/[=]/.test(location.hash)) { restore(); update(); } });
  for (const name of ["export", "select"]) {
    const code = $(name), button = element("button", "Copy", { type: "button", "aria-label": "Copy the command " + name });
    button.addEventListener("click", () => copy(code, button));
    code.after(" ", button);
  }
  // For the page of a running study, which keeps the choice when it renews itself; and what tests look at:
  // where a run's point is in the window, and which runs are drawn.
  window.reportFront = {
    keep,
    drawn: () => points.map((point) => point.run.run),
    wilson,
    here: () => here.map((run) => run.run),
    ends: () => view.scale("x").domain(),
    place: (id) => {
      const [x, y] = place(points.find((point) => point.run.run === id)), box = $("plot").querySelector("svg").getBoundingClientRect();
      return [box.left + x, box.top + y];
    },
  };
  $("app").hidden = false;
  $("listed").open = false;
  restore();
  update();
  const show = (id, spec) => new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: "svg", container: $(id), hover: false });
  view = show("plot", data.spec);
  if (data.cells) (cells = show("cells", data.cells.spec)).runAsync().then(by_group);
  if (data.curves) (curve = show("curve", data.curves.spec)).runAsync().then(other_shares);
  view.runAsync().then(() => {
    draw();
    return view.runAsync();
  }).then(() => {
    card();
    $("plot").addEventListener("mousemove", hover);
    $("plot").addEventListener("mouseleave", () => { $("tip").hidden = true; const chosen = current(); mark(chosen && at(chosen.run)); });
    $("plot").addEventListener("click", click);
    $("plot").addEventListener("keydown", key);
    $("plot").dataset.ready = "true";
  });
})();
