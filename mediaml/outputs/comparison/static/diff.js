"use strict";
// The page of `mediaml diff`.
const diffPage = (() => {
  const { make, share, tile, tiles, named, table, list, plot, shot, ink } = parts;

  function model(one) {
    const name = one.left === one.right ? one.left : `${one.left} \u2194 ${one.right}`;
    const totals = one.classes.reduce((sum, row) => [sum[0] + row.left, sum[1] + row.right, sum[2] + row.matched], [0, 0, 0]);
    const shown = [
      tile("Frames in both", format.number(one.frames), `${format.number(one.same)} without a difference`),
      tile("Found by both", format.number(totals[2]), `of ${format.number(totals[0])} left, ${format.number(totals[1])} right`),
      tile("Only left", format.number(totals[0] - totals[2]), one.only[0] ? format.counted(one.only[0], "frame") + " only left" : ""),
      tile("Only right", format.number(totals[1] - totals[2]), one.only[1] ? format.counted(one.only[1], "frame") + " only right" : ""),
    ];
    if (one.labelled) shown.push(tile("First label equal", `${(100 * one.agrees / one.labelled).toFixed(1)} %`, `of ${format.counted(one.labelled, "frame")}`));
    if (one.cosine) shown.push(tile("Cosine similarity", one.cosine[0].toFixed(4), `least ${one.cosine[1].toFixed(4)}`));
    const room = make("div", { className: "plot" });
    const section = make("section", {}, make("h2", { textContent: name }), tiles(...shown),
      one.classes.length ? make("div", { className: "pair" },
        make("div", { className: "panel" }, make("h3", { textContent: "By class" }), classes(one)),
        one.scores.length ? make("div", { className: "panel" }, make("h3", { textContent: "Scores of what both found" }), room) : null) : null,
      one.different.length ? make("h3", { textContent: "Frames that differ most" }) : null,
      make("div", { className: "frames" }, ...one.different.map(frame)));
    return { section, begin: () => { if (one.scores.length) scatter(room, one); } };
  }

  const classes = one => table(["Class", "Left", "Right", "Matched", "Only left", "Only right", "IoU", "Score"],
    one.classes.map(row => [named(row), format.number(row.left), format.number(row.right), format.number(row.matched),
      only(row.left - row.matched), only(row.right - row.matched), share(row.iou),
      row.score === null ? "\u2013" : (row.score < 0 ? "\u2212" : "+") + Math.abs(row.score).toFixed(3)]));
  const only = number => make("td", { className: number ? "worse" : "", textContent: format.number(number) });

  // One point per pair, in the colour of its class; on the line both sides agree.
  function scatter(room, one) {
    plot(room, {
      label: { title: `Scores of ${format.counted(one.scores.length, "pair")}`, x: `score, ${one.left} (left)`, y: `score, ${one.right} (right)` },
      data: [[0, 1], [0, 1]],
      series: [{}, { stroke: () => ink("--muted"), width: 1, dash: [4, 4], points: { show: false } }],
      draw: u => {
        u.ctx.save();
        u.ctx.globalAlpha = one.scores.length > 400 ? 0.4 : 0.75;
        for (const [place, left, right] of one.scores) {
          u.ctx.fillStyle = one.classes[place].color;
          u.ctx.beginPath();
          u.ctx.arc(u.valToPos(left, "x", true), u.valToPos(right, "y", true), 2.6 * devicePixelRatio, 0, 2 * Math.PI);
          u.ctx.fill();
        }
        u.ctx.restore();
      },
    });
  }

  function frame(one) {
    return make("article", { className: "frame" },
      make("header", {}, make("b", {}, make("bdi", { textContent: one.source })),
        make("span", { textContent: `frame ${one.frame}, ${format.time(one.time, 3)}` })),
      ...one.sides.map((side, place) => make("div", { className: "side" },
        one.picture && one.size ? shot(one, side) : null,
        make("p", {}, make("b", { textContent: place ? "right " : "left " }), found(side)))));
  }

  function found(side) {
    const counts = new Map();
    for (const { name } of [...side.labels, ...side.boxes]) counts.set(name, (counts.get(name) ?? 0) + 1);
    return [...counts].sort((a, b) => b[1] - a[1]).map(([name, number]) => `${number} ${name}`).join(", ") || "nothing";
  }

  function build(main) {
    const [failedLeft, failedRight] = facts.failed.map(rows => rows.map(([name, why]) => `${name}: ${why}`));
    const lists = [list("Sources only on the left", facts.only[0]), list("Sources only on the right", facts.only[1]),
      list("Failed on the left only", failedLeft), list("Failed on the right only", failedRight)].filter(Boolean);
    const models = facts.models.map(model);
    main.append(make("div", { className: "lists" }, make("p", { textContent: `${format.counted(facts.both, "source")} in both.` }), ...lists),
      ...models.map(one => one.section));
    models.forEach(one => one.begin());
    return `${facts.left} \u2194 ${facts.right}`;
  }
  return { build };
})();
