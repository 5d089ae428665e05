// Makes the table of settings answer limits: plain JavaScript, with nothing to load. The rule is that of
// `study select`: least excess over the limits, then what is minimised, then error, odds difference, deferral
// rate and the name. Texts are set as text, never as HTML.
(() => {
  const $ = (id) => document.getElementById("choose-" + id);
  const data = JSON.parse($("data").textContent), rows = data.rows.map((row) => ({
    setting: row[0], method: data.method[row[1]], model: data.model[row[2]],
    decision_maker: data.decision_maker[row[3]], alpha: row[4], gamma: row[5],
    validation: row.slice(6, 9), test: row.slice(9, 12), runs: row.slice(12, 15),
    ends: [15, 17, 19].map((i) => row.slice(i, i + 2)) }));
  const flags = ["error", "di", "idk"], names = ["error", "odds difference", "deferral rate"], few = 15;
  const table = $("table"), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
  const state = { column: null, down: false, all: false, selected: null };

  const metric = (value) => (value === null ? "\u2013" : value.toFixed(3));
  const share = (value) => (value === null ? "\u2013" : (100 * value).toFixed(1) + " %");
  const short = (value) => (value === null ? "\u2013" : String(Number(value.toPrecision(4))));
  const shown = (row) => [row.setting.slice(0, 8), row.method, row.model, row.decision_maker,
    short(row.alpha), short(row.gamma), ...row.validation.map((value, i) => write[i](value)),
    ...row.test.map((value, i) => write[i](value))];
  const keys = (row) => [row.setting, row.method, row.model, row.decision_maker, row.alpha, row.gamma,
    ...row.validation, ...row.test];
  const write = [metric, metric, share];
  // Both ends of the interval of a test metric, and nothing where there is none.
  const interval = (row, i) => (row.ends[i][0] === null ? ""
    : write[i](row.ends[i][0]).replace(" %", "") + " to " + write[i](row.ends[i][1]));
  const compare = (a, b) => (a < b ? -1 : a > b ? 1 : 0);
  const inTurn = (one, other) => one.map((a, i) => compare(a, other[i])).find((c) => c) || 0;
  // As a shell reads it: one word.
  const word = (text) => (/^[\w~.\/:@%+=,-]+$/.test(text) ? text
    : "'" + text.replace(/'/g, "'\\''") + "'");

  const limit = (flag) => ($(flag).value === "" ? Infinity : Number($(flag).value));
  function ranked() {
    const least = flags.indexOf($("minimise").value), limits = flags.map(limit);
    const wanted = ["method", "model", "decision_maker"].map((name) => [name, $(name).value]);
    return rows.filter((row) => wanted.every(([name, value]) => value === "" || row[name] === value
        || (name === "decision_maker" && row[name] === "none")))
      .map((row) => {
        const over = row.validation.map((value, i) => Math.max(0, value - limits[i]));
        return { row, over, order: [over[2] + over[1] + over[0], row.validation[least],
          ...row.validation, row.setting] };
      })
      .sort((a, b) => inTurn(a.order, b.order));
  }
  function sorted(found) {
    if (state.column === null) return found;
    const at = state.column, turn = state.down ? -1 : 1;
    return found.slice().sort((a, b) => {
      const [x, y] = [keys(a.row)[at], keys(b.row)[at]];
      // What is missing comes last either way.
      return (x === null) - (y === null) || turn * compare(x, y);
    });
  }
  function element(name, text, attributes) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
    return made;
  }
  function line(row, chosen) {
    const made = element("tr", undefined, row === chosen ? { class: "chosen" } : {});
    shown(row).forEach((text, i) => {
      const kind = i === 0 ? "id" : i < 4 ? "" : "number";
      const cell = element("td", i === 0 ? undefined : text, { class: kind });
      if (i > 8 && interval(row, i - 9)) {
        cell.append(element("div", interval(row, i - 9), { class: "interval" }));
      }
      if (i === 0) {
        const button = element("button", (row === chosen ? "\u2713 " : "") + text, { type: "button",
          "aria-pressed": String(row === chosen), title: "Select the setting " + row.setting });
        button.addEventListener("click", () => { state.selected = row; update(); focusOn(row); });
        cell.append(button);
      }
      made.append(cell);
    });
    return made;
  }
  function focusOn(row) {
    [...body.querySelectorAll("button")].find((b) => b.title.endsWith(" " + row.setting))?.focus();
  }
  function summarised(row, split) {
    return split + ": " + names.map((name, i) => name + " " + write[i](row[split][i])
      + (split === "test" && interval(row, i) ? " (" + interval(row, i) + ")" : "")).join(", ") + ".";
  }
  function update() {
    const wrong = flags.filter((flag) => !$(flag).validity.valid && !$(flag).validity.stepMismatch);
    flags.forEach((flag) => $(flag).setAttribute("aria-invalid", String(wrong.includes(flag))));
    const all = ranked(), within = all.filter((entry) => entry.order[0] === 0);
    const listed = sorted(within.length ? within : all);
    const best = state.selected ? all.find((entry) => entry.row === state.selected) : all[0];
    const lines = (state.all ? listed : listed.slice(0, few)).map((e) => line(e.row, best && best.row));
    body.replaceChildren(...lines);
    heads.forEach((head, i) => head.setAttribute("aria-sort",
      state.column !== i ? "none" : state.down ? "descending" : "ascending"));
    $("more").hidden = listed.length <= few;
    $("more").textContent = state.all ? "Show the first " + few : "Show all " + listed.length;
    $("chosen").hidden = !best;
    if (!best) { $("result").textContent = "No setting matches."; return; }
    const row = best.row, over = names.filter((_, i) => best.over[i] > 0)
      .map((name) => name + " by " + Number(best.over[names.indexOf(name)].toPrecision(3)));
    const lead = wrong.length ? "A limit must be a number from 0 to 1. " : "";
    const which = state.selected ? "Selected:" : within.length
      ? "Of " + within.length + " settings within the limits the best on validation is"
      : "No setting is within the limits. The nearest is";
    $("result").textContent = lead + which + " " + row.method + " (" + row.model + ", decision-maker "
      + row.decision_maker + "), alpha " + short(row.alpha)
      + (row.gamma === null ? "" : ", gamma " + short(row.gamma)) + ", setting " + row.setting
      + (over.length ? ", over the limit of " + over.join(" and of ") : "")
      + ". On " + summarised(row, "validation") + " On " + summarised(row, "test");
    const place = word($("place").value || "."), least = $("minimise").value;
    const run = row.runs[flags.indexOf(least)];
    const words = ["study select", place];
    flags.forEach((flag) => { if ($(flag).value !== "") words.push("--max-" + flag, $(flag).value); });
    if (least !== "error") words.push("--minimise", least);
    for (const name of ["method", "model", "decision_maker"]) {
      if ($(name).value !== "") words.push("--" + name.replace("_", "-"), word($(name).value));
    }
    $("select").textContent = words.join(" ");
    $("select").parentElement.hidden = Boolean(state.selected);
    $("export").textContent = ["study export", place, word(run), "--out model"].join(" ");
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

  heads.forEach((head, i) => {
    const button = element("button", head.textContent, { type: "button" });
    button.addEventListener("click", () => {
      state.down = state.column === i && !state.down;
      state.column = i;
      update();
    });
    head.replaceChildren(button);
  });
  $("form").addEventListener("submit", (event) => event.preventDefault());
  $("form").addEventListener("input", (event) => {
    if (event.target !== $("place")) { state.selected = null; state.column = null; state.all = false; }
    update();
  });
  $("form").addEventListener("reset", () => setTimeout(() => {
    Object.assign(state, { column: null, down: false, all: false, selected: null });
    update();
  }));
  $("more").addEventListener("click", () => { state.all = !state.all; update(); });
  for (const name of ["select", "export"]) {
    const code = $(name), button = element("button", "Copy", { type: "button" });
    button.addEventListener("click", () => copy(code, button));
    code.after(" ", button);
  }
  $("form").hidden = false;
  update();
})();
