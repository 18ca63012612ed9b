"use strict";
// The page of `mediaml train`.
const trainingPage = (() => {
  const { make, share, tile, tiles, named, table, list, ink } = parts;
  const percent = value => (value === null || value === undefined ? "\u2013" : `${(100 * value).toFixed(1)} %`);
  const heading = text => make("h3", { textContent: text });

  function example(one) {
    const wrong = one.label !== one.answer;
    const place = one.time === null ? one.file : `${one.file} at ${one.time.toFixed(1)} s`;
    return make("figure", { className: wrong ? "example wrong" : "example", title: place },
      one.picture ? make("img", { src: one.picture, alt: "", loading: "lazy" }) : make("div", { className: "blank" }),
      make("figcaption", {},
        make("b", {}, make("bdi", { textContent: wrong ? `${one.answer} ${share(one.score, 2)}` : `${one.label} ${share(one.score, 2)}` })),
        make("span", { textContent: wrong ? `is ${one.label} ${share(one.own, 2)}` : "right" }),
        make("span", {}, make("bdi", { textContent: place.split("/").at(-1) }))));
  }

  function matrix(tested) {
    const accent = ink("--accent");
    const rows = tested.confusion.map((row, place) => {
      const total = row.reduce((sum, number) => sum + number, 0) || 1;
      return make("tr", {}, make("th", { scope: "row", textContent: facts.labels[place] }), ...row.map((number, column) => make("td", {
        className: number ? "" : "zero", textContent: number, title: `${facts.labels[place]} answered as ${facts.labels[column]}: ${number}`,
        style: { background: number ? `color-mix(in srgb, ${accent} ${Math.round(12 + 68 * number / total)}%, transparent)` : "" },
      })));
    });
    return make("div", { className: "scroll" }, make("table", { className: "matrix" },
      make("thead", {}, make("tr", {}, make("th", { textContent: "is" }), ...facts.labels.map(name => make("th", { scope: "col", textContent: name })))),
      make("tbody", {}, ...rows)));
  }

  const rooms = [];
  function panel(title, draw) {
    const room = make("div", { className: "plot" });
    rooms.push(() => draw(room));
    return make("div", { className: "panel" }, heading(title), room);
  }

  function measured(tested, title, more) {
    const wrong = tested.shown.filter(one => one.label !== one.answer);
    const unsure = tested.shown.filter(one => one.label === one.answer);
    const total = tested.examples - Math.round(tested.accuracy * tested.examples);
    return make("section", {}, make("h2", { textContent: title }), tiles(
      tile("Accuracy", percent(tested.accuracy), `\u00b1 ${percent(tested.margin)}, ${format.counted(tested.examples, "example")} in ${format.counted(tested.groups, "group")}`),
      tile("Balanced accuracy", percent(tested.balanced_accuracy), "classes count alike"),
      tile("F1", share(tested.f1), "mean of the classes"),
      tile("Answered", percent(tested.answered), `at ${share(tested.threshold, 2)} or more; ${percent(tested.right_of_answered)} of them right`)),
    wrong.length ? heading(`Answered wrongly: ${format.number(total)}, the surest first`) : heading("No example was answered wrongly"),
    make("div", { className: "shown" }, ...wrong.map(example)),
    unsure.length ? heading("Right, but the least sure") : null,
    make("div", { className: "shown" }, ...unsure.map(example)),
    heading("By class"), table(["Class", "Examples", "Precision", "Recall", "\u00b1", "F1", "AUC", "AP"], tested.classes.map((one, index) =>
      [named({ name: one.name, color: facts.colors[index] }), format.number(one.examples), share(one.precision), share(one.recall), share(one.margin), share(one.f1), share(one.auc), share(one.ap)])),
    heading("What is answered as what"), matrix(tested),
    make("div", { className: "three" },
      panel("ROC", room => charts.classes(room, tested.classes, "roc", { title: "ROC", x: "false positive rate", y: "true positive rate" }, true)),
      panel("Precision and recall", room => charts.classes(room, tested.classes, "pr", { title: "Precision and recall", x: "recall", y: "precision" }, false)),
      panel(`Calibration, error ${share(tested.calibration_error)}`, room => charts.calibration(room, tested.calibration)), ...more));
  }

  function outlook() {
    const found = facts.forecast;
    if (!found) return "Learning curve";
    const gain = 100 * found.gain;
    return gain < 0.5 ? "Learning curve: more examples would help little" : `Learning curve: +${gain.toFixed(1)} points expected at ${found.examples} per class`;
  }

  function build(main) {
    const counts = facts.labels.map(name => `${name} ${facts.counts[name]}`).join(", ");
    const curve = panel(outlook(), room => charts.learning(room, facts.curve, facts.forecast));
    main.append(
      make("section", {},
        make("p", {}, make("bdi", { textContent: `${counts}; ${format.counted(facts.copies, "changed copy", "changed copies")} learned too; features of ${facts.backbone}` })),
        facts.notes.length ? make("ul", { className: "notes" }, ...facts.notes.map(text => make("li", {}, make("bdi", { textContent: text })))) : null),
      measured(facts.validated, `Cross-validation in ${facts.folds} folds: no example was learned where it is tested`, [curve]));
    if (facts.evaluated) main.append(measured(facts.evaluated, "Kept apart", []));
    const failed = list("Files that could not be read", facts.failed.map(one => `${one.file}: ${one.error}`));
    if (failed) main.append(make("section", { className: "lists" }, failed));
    rooms.forEach(draw => draw());
    return facts.output;
  }
  return { build };
})();
