"use strict";
// The page of `mediaml evaluate`.
const evaluatePage = (() => {
  const { make, share, tile, tiles, named, table, list, plot, ink } = parts;

  function model(one) {
    const room = make("div", { className: "plot" });
    const section = make("section", {}, make("h2", { textContent: one.name }), tiles(
      tile("AP50", share(one.ap50), "mean over the classes of the truth"),
      tile("AP", share(one.ap), "IoU .50 to .95"),
      tile("Precision", share(one.precision), `at a score of ${one.threshold}`),
      tile("Recall", share(one.recall), `of ${format.counted(one.objects, "object")} in ${format.counted(one.images, "image")}`)),
    make("div", { className: "pair" },
      make("div", { className: "panel" }, make("h3", { textContent: "By class" }), table(
        ["Class", "Objects", "AP50", "AP", "Precision", "Recall"],
        one.classes.map(row => [named(row), format.number(row.objects), share(row.ap50), share(row.ap), share(row.precision), share(row.recall)]))),
      make("div", { className: "panel" }, make("h3", { textContent: "Precision and recall, IoU .50" }), room)),
    make("h3", { textContent: "What is taken for what" }), matrix(one.confusion),
    make("div", { className: "lists" }, list("Annotated images without results", one.missing), list("Classes that the model does not have", one.unknown)));
    const recalls = one.curve.map((_, place) => place / (one.curve.length - 1));
    return { section, begin: () => plot(room, {
      label: { title: `Precision and recall of ${one.name}`, x: "recall", y: "precision, mean over classes" },
      data: [recalls, one.curve],
      series: [{}, { stroke: () => ink("--accent"), width: 2, points: { show: false } }],
    }) };
  }

  // Rows are objects and sum to 1 in shade; columns are what they are taken for.
  function matrix({ names, counts, left_out: leftOut }) {
    const accent = ink("--accent");
    const rows = counts.map((row, place) => {
      const total = row.reduce((sum, number) => sum + number, 0) || 1;
      return make("tr", {}, make("th", { scope: "row", textContent: names[place] }), ...row.map((number, column) => make("td", {
        className: number ? "" : "zero", textContent: number, title: `${names[place]} taken for ${names[column]}: ${number}`,
        style: { background: number ? `color-mix(in srgb, ${accent} ${Math.round(12 + 68 * number / total)}%, transparent)` : "" },
      })));
    });
    return make("div", {}, make("div", { className: "scroll" }, make("table", { className: "matrix" },
      make("thead", {}, make("tr", {}, make("th", { textContent: "object" }), ...names.map(name => make("th", { scope: "col", textContent: name })))),
      make("tbody", {}, ...rows))),
    make("p", { className: "hint", textContent: "Rows: objects of the truth; columns: boxes. Background: an object without a box, a box without an object."
      + (leftOut ? ` ${format.counted(leftOut, "class", "classes")} with fewer objects left out.` : "") }));
  }

  function build(main) {
    const models = facts.models.map(model);
    main.append(...models.map(one => one.section));
    models.forEach(one => one.begin());
    return `${facts.folder} against ${facts.truth}`;
  }
  return { build };
})();
