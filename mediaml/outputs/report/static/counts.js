"use strict";
// What crossed the lines and was in the zones that the report was written with: tables, and plots over time.
const counts = (() => {
  const { make } = draw;
  const { facts, sources, classes } = data;
  const HEIGHT = 150, MOST_CLASSES = 8, DIRECTIONS = [["in", "--in"], ["out", "--out"]];
  const plots = [];

  const nameOf = class_ => make("span", { className: "of-class" }, draw.swatch(classes[class_].color), make("bdi", { textContent: classes[class_].name }));
  const ink = name => getComputedStyle(document.body).getPropertyValue(name);
  const sum = (rows, at) => rows.reduce((all, row) => all + row[at], 0);

  // Events [time, change] as the points of a curve of steps: times, and the value from each on.
  function steps(events, end) {
    const times = [0], values = [0];
    for (const [time, change] of events.sort((a, b) => a[0] - b[0] || a[1] - b[1])) {
      if (times.at(-1) === time) values[values.length - 1] += change;
      else { times.push(time); values.push(values.at(-1) + change); }
    }
    times.push(Math.max(end, times.at(-1)));
    values.push(values.at(-1));
    return [times, values];
  }

  const crossed = ({ crossings }, end) => DIRECTIONS.map(([name, color], out) => ({
    name, stroke: () => ink(color), dash: out ? [6, 4] : [], curve: steps(crossings.filter(row => row[1] === 1 - out).map(row => [row[0], 1]), end),
  }));

  const present = ({ totals, stays }, end) => totals.slice().sort((a, b) => b[2] - a[2]).slice(0, MOST_CLASSES).map(([class_]) => ({
    name: classes[class_].name, stroke: () => classes[class_].color, dash: [],
    curve: steps(stays.filter(row => row[2] === class_).flatMap(row => [[row[0], 1], [row[1], -1]]), end),
  }));

  function plot(room, title, series, source) {
    const [times, ...values] = uPlot.join(series.map(({ curve }) => curve)).map((list, index) => (index ? held(list) : list));
    const stepped = uPlot.paths.stepped({ align: 1 });
    const made = new uPlot({
      width: Math.max(240, room.clientWidth), height: HEIGHT, padding: [10, 14, 0, 0], legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: true } },
      scales: { x: { time: false, range: [0, Math.max(source.end, 0.04)] }, y: { range: (u, min, max) => [0, Math.max(1, max) * 1.08] } },
      axes: [
        { stroke: () => ink("--muted"), grid: { show: false }, ticks: { show: false }, size: 24, gap: 4, font: "11px system-ui", space: 64,
          values: (u, splits) => splits.map(time => format.time(time, splits.length > 1 && splits[1] - splits[0] < 1 ? 1 : 0)) },
        { stroke: () => ink("--muted"), grid: { stroke: () => ink("--line"), width: 1 }, ticks: { show: false }, size: 34, gap: 4, font: "11px system-ui",
          incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 10000] },
      ],
      // Light colours need an edge to be seen on a light ground.
      series: [{}, ...series.flatMap(({ name, stroke, dash }) => [
        { label: name, stroke: () => ink("--edge"), dash, width: 4, paths: stepped, points: { show: false } },
        { label: name, stroke, dash, width: 2.4, paths: stepped, points: { show: false } }])],
    }, [times, ...values.flatMap(list => [list, list])], room);
    room.setAttribute("role", "img");
    room.setAttribute("aria-label", title);
    made.over.addEventListener("click", event => {
      viewer.openAt(source, Math.max(0, made.posToVal(event.clientX - made.over.getBoundingClientRect().left, "x")));
    });
    plots.push({ made, room });
  }

  // Where other curves have a step, one keeps its value.
  function held(list) {
    let last = 0;
    return list.map(value => (last = value ?? last));
  }

  function legend(series) {
    return make("ul", { className: "legend" }, ...series.map(({ name, stroke, dash }) => make("li", {},
      make("i", { className: dash.length ? "key dashed" : "key", style: { borderColor: stroke() } }), make("bdi", { textContent: name }))));
  }

  // The table and the plot of a line or zone; the plot is made when the part is shown first.
  function place(kind, name, source, heads, rows, series, title) {
    const room = make("div", { className: "curve" });
    const part = make("section", { className: "place" },
      make("h3", {}, make("span", { className: "kind", textContent: kind }), make("bdi", { textContent: name })),
      tables.table(heads, rows), make("figure", {}, make("figcaption", { textContent: title }), legend(series), room));
    waiting.push(() => plot(room, `${title}: ${name}`, series, source));
    return part;
  }

  const cells = (...values) => make("tr", {}, ...values.map((value, at) => make("td", { className: at ? "count" : "name" }, at ? format.number(value) : value)));
  const all = () => make("span", { textContent: "all classes" });

  function lineOf(line, source) {
    const rows = line.totals.map(([class_, inward, outward]) => cells(nameOf(class_), inward, outward));
    if (rows.length > 1) rows.push(cells(all(), sum(line.totals, 1), sum(line.totals, 2)));
    return place("line", line.name, source, ["Class", "In", "Out"], rows, crossed(line, source.end), "Crossings so far");
  }

  function zoneOf(zone, source) {
    const rows = zone.totals.map(([class_, objects, seconds, most]) => cells(nameOf(class_), objects, seconds, most));
    return place("zone", zone.name, source, ["Class", "Objects", "Seconds", "Most at once"], rows, present(zone, source.end), "Objects inside");
  }

  let waiting = [];

  function show(room) {
    if (!facts.counts.length) return false;
    const several = new Set(facts.counts.map(({ model }) => model)).size > 1;
    const parts = [make("p", { className: "lead", textContent: "Tracked objects, by the middle of the lower edge of their boxes. A click in a plot opens the moment. The filters do not change these counts." })];
    let quiet = 0;
    for (const { source: at, model, objects, ...found } of facts.counts) {
      const source = sources[at], [lines, zones] = [found.lines, found.zones].map(list => list.filter(({ totals }) => totals.length));
      if (!lines.length && !zones.length) { quiet++; continue; }
      const name = make("button", { type: "button", className: "link", title: source.name, onclick: () => viewer.openAt(source, 0) },
        make("bdi", { textContent: source.name.split("/").at(-1) }));
      parts.push(make("h2", {}, name, make("span", { className: "hint", textContent: ` ${format.counted(objects, "object")}${several ? `, ${model}` : ""}` })));
      parts.push(make("div", { className: "places" }, ...lines.map(line => lineOf(line, source)), ...zones.map(zone => zoneOf(zone, source))));
    }
    if (quiet) parts.push(make("p", { className: "lead", textContent: `In ${format.counted(quiet, parts.length > 1 ? "more video" : "video", parts.length > 1 ? "more videos" : "videos")} nothing crossed a line or was in a zone.` }));
    room.replaceChildren(...parts);
    new ResizeObserver(fit).observe(room);
    return true;
  }

  // Plots need a width, which a part that is hidden does not have.
  function fit() {
    for (const begin of waiting.splice(0)) begin();
    for (const { made, room } of plots) if (room.clientWidth && room.clientWidth !== made.width) made.setSize({ width: room.clientWidth, height: HEIGHT });
  }

  // The lines and zones of a source as shapes over its picture, and their names.
  function outlines(source, width, height) {
    const shapes = [], tags = [], seen = new Set();
    const label = (name, x, y) => tags.push(make("span", { className: "place-tag", textContent: name, style: { left: `${100 * x}%`, top: `${100 * y}%` } }));
    for (const { lines, zones } of facts.counts.filter(one => one.source === source.index)) {
      for (const { name, rings } of zones) {
        if (seen.has(`zone ${name}`)) continue;
        seen.add(`zone ${name}`);
        const path = rings.map(ring => `M${pairs(ring).map(([x, y]) => `${x * width} ${y * height}`).join("L")}Z`).join("");
        shapes.push(draw.shape("path", { d: path, class: "zone", "fill-rule": "evenodd" }));
        label(name, ...pairs(rings[0]).reduce((best, one) => (one[1] < best[1] ? one : best)));
      }
      for (const { name, ends } of lines) {
        if (seen.has(`line ${name}`)) continue;
        seen.add(`line ${name}`);
        shapes.push(...crossing(ends, width, height));
        label(name, ends[0], ends[1]);
      }
    }
    return { shapes, tags };
  }

  const pairs = list => Array.from({ length: list.length / 2 }, (_, at) => [list[2 * at], list[2 * at + 1]]);

  // A line, and an arrow in its middle that points to where objects go in.
  function crossing([x1, y1, x2, y2], width, height) {
    const [ax, ay, bx, by] = [x1 * width, y1 * height, x2 * width, y2 * height];
    const long = Math.hypot(bx - ax, by - ay), size = 0.03 * Math.max(width, height);
    const [ux, uy] = [(bx - ax) / long, (by - ay) / long], [mx, my] = [(ax + bx) / 2, (ay + by) / 2];
    const tip = [mx - uy * size, my + ux * size];
    const arrow = `M${mx} ${my}L${tip}M${tip[0] + (uy - ux) * size * 0.4} ${tip[1] - (ux + uy) * size * 0.4}L${tip}L${tip[0] + (uy + ux) * size * 0.4} ${tip[1] + (uy - ux) * size * 0.4}`;
    const path = `M${ax} ${ay}L${bx} ${by}${arrow}`;
    return [draw.shape("path", { d: path, class: "casing" }), draw.shape("path", { d: path, class: "line" })];
  }

  // What a source's lines and zones counted, in a few words each.
  function about(source) {
    const rows = facts.counts.filter(one => one.source === source.index).flatMap(({ lines, zones }) => [
      ...lines.map(({ name, totals }) => [name, `${format.number(sum(totals, 1))} in, ${format.number(sum(totals, 2))} out`]),
      ...zones.map(({ name, totals }) => [name, `${format.counted(sum(totals, 1), "object")}, ${sum(totals, 2).toFixed(1)} s`]),
    ]);
    if (!rows.length) return [];
    return [make("h3", { textContent: "Lines and zones" }), make("ul", { className: "found" },
      ...rows.map(([name, text]) => make("li", {}, make("span", {}, make("bdi", { textContent: name })), make("b", { textContent: text }))))];
  }

  return { show, fit, outlines, about, redraw: () => { for (const { made } of plots) made.redraw(); } };
})();
