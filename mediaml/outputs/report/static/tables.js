"use strict";
// What failed, and the facts of the runs.
const tables = (() => {
  const { make } = draw;
  const { facts, sources, models } = data;

  const cell = (text, className = "") => make("td", { className }, make("bdi", { textContent: text }));
  const heads = names => make("thead", {}, make("tr", {}, ...names.map(name => make("th", { scope: "col", textContent: name }))));

  // On a narrow screen a row becomes a list, each cell with its head.
  function table(names, rows) {
    for (const row of rows) [...row.cells].forEach((one, place) => { one.dataset.head = names[place]; });
    return make("div", { className: "scroll" }, make("table", {}, heads(names), make("tbody", {}, ...rows)));
  }

  function failures(room) {
    const failed = sources.filter(source => source.failures.length);
    if (!failed.length) {
      room.replaceChildren(make("p", { className: "empty", textContent: sources.length ? "Nothing failed." : "The ledger is empty." }));
      return 0;
    }
    const rows = [];
    for (const source of failed) {
      source.failures.forEach(({ parts, stage, type, message, hint }) => rows.push(make("tr", {},
        cell(source.name, "name file"), cell(parts.join(", ")), cell(stage), cell(type),
        make("td", { className: "why" }, make("div", {}, make("bdi", { textContent: message }), hint ? make("p", { className: "hint", textContent: hint }) : null)))));
    }
    room.replaceChildren(make("p", { className: "lead", textContent: `${format.counted(failed.length, "file")} failed. The run went on with the others; the same command tries them again.` }),
      table(["File", "Model", "Stage", "Error", "Why"], rows));
    return failed.length;
  }

  function options(values) {
    const text = Object.entries(values).map(([name, value]) => `${name} ${value}`).join(", ");
    return text || "–";
  }

  function run(room) {
    const parts = [make("h2", { textContent: "Models" })];
    parts.push(models.length ? table(["Model", "Task", "Weights", "SHA-256", "Device", "Shown", "Run with", "Plugin"], models.map(model => make("tr", {},
      cell(model.name, "name"), cell(model.task), cell(model.weights ? model.weights + (model.precision ? ` (${model.precision})` : "") : "none"), cell(model.sha256 || "–", "digest"),
      cell(model.devices.join(", ") || "not in the last run"), cell(options(model.view)), cell(options(model.options)), cell(model.plugin))))
      : make("p", { className: "hint", textContent: "No model has answered." }));
    parts.push(make("h2", { textContent: "Runs" }));
    parts.push(facts.runs.length ? table(["Begun", "Ended", "Frames", "Time", "Speed"], facts.runs.slice().reverse().map(one => make("tr", {},
      cell(format.moment(one.started)), cell(one.finished ? format.moment(one.finished) : "interrupted"), cell(one.frames === null ? "–" : format.number(one.frames), "count"),
      cell(one.seconds === null ? "–" : `${one.seconds.toFixed(1)} s`, "count"),
      cell(one.frames && one.seconds ? `${(one.frames / one.seconds).toFixed(1)} frames/s` : "–", "count"))))
      : make("p", { className: "hint", textContent: "No run." }));
    parts.push(make("h2", { textContent: "Software" }), table(["Package", "Version"],
      Object.entries(facts.versions).map(([name, version]) => make("tr", {}, cell(name), cell(version)))));
    room.replaceChildren(...parts);
  }

  return { table, failures, run };
})();
