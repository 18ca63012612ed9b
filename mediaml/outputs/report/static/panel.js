"use strict";
// Totals, and the filters with what they would show.
const panel = (() => {
  const { make } = draw;
  const { facts, sources, models, classes } = data;
  const $ = id => document.getElementById(id);
  const MOST_CLASSES = 12, MOST_LISTED = 400, PLOT_HEIGHT = 84, INSET = 8;
  let plot = null, everyClass = false;

  // Heights are square roots: the many weak detections would press all others flat.
  function scorePlot() {
    const middles = Array.from({ length: filters.BINS }, (_, bin) => (bin + 0.5) / filters.BINS);
    const ink = () => getComputedStyle(document.body);
    return new uPlot({
      width: $("scores").clientWidth || 240, height: PLOT_HEIGHT, padding: [6, INSET, 0, INSET],
      legend: { show: false }, cursor: { show: false }, select: { show: false },
      scales: { x: { time: false, range: [0, 1] }, y: { range: (u, min, max) => [0, Math.max(1, max)] } },
      axes: [
        { stroke: () => ink().getPropertyValue("--muted"), grid: { show: false }, ticks: { show: false }, size: 20, gap: 2,
          font: "11px system-ui", splits: () => [0, 0.25, 0.5, 0.75, 1], values: (u, splits) => splits.map(value => value.toString()) },
        { show: false },
      ],
      series: [{}, { paths: uPlot.paths.bars({ size: [0.86, 40] }), fill: () => ink().getPropertyValue("--accent"), stroke: null, width: 0, points: { show: false } }],
      hooks: { draw: [veil] },
    }, [middles, middles.map(() => 0)], $("scores"));
  }

  // What is below the threshold is pale.
  function veil(u) {
    const { ctx, bbox } = u, right = u.valToPos(filters.state.threshold ?? filters.start, "x", true);
    ctx.save();
    ctx.globalAlpha = 0.78;
    ctx.fillStyle = getComputedStyle(document.body).getPropertyValue("--ground");
    ctx.fillRect(bbox.left, bbox.top, right - bbox.left, bbox.height);
    ctx.restore();
  }

  function scores(found, state) {
    plot ??= scorePlot();
    plot.setData([plot.data[0], Array.from(found.bins, Math.sqrt)]);
    plot.redraw();
    const total = found.bins.reduce((sum, number) => sum + number, 0);
    const value = state.threshold ?? filters.start;
    $("threshold").value = value;
    $("threshold-text").textContent = state.threshold === null && new Set(models.map(model => model.least)).size > 1 ? "as run" : `≥ ${value.toFixed(2)}`;
    $("scores").setAttribute("aria-label", `Distribution of ${format.counted(total, "score")}`);
    const asRun = models.map(model => `${model.name} ${model.least.toFixed(2)}`).join(", ");
    const hint = $("threshold-hint");
    if (state.threshold === null || !models.length) hint.textContent = asRun ? `as in the run: ${asRun}` : "";
    else hint.replaceChildren(make("button", { type: "button", className: "link", textContent: "as in the run", onclick: () => filters.change({ threshold: null }) }), ` (${asRun})`);
  }

  function facet(name, count, share, pressed, color, onclick) {
    return make("li", {}, make("button", { type: "button", "aria-pressed": pressed, onclick },
      color ? draw.swatch(color) : null,
      make("span", { className: "name", textContent: name, title: name }),
      make("span", { className: "number", textContent: format.number(count) }),
      make("span", { className: "bar", style: { width: `${(100 * share).toFixed(1)}%` } })));
  }

  function classFacets(found, state) {
    const { objects, files } = found.tally;
    const wanted = $("find-class").value.trim().toLowerCase();
    let list = [];
    for (let class_ = 0; class_ < classes.length; class_++) {
      if ((objects[class_] || state.classes.has(class_)) && (!wanted || classes[class_].name.toLowerCase().includes(wanted))) list.push(class_);
    }
    list.sort((a, b) => objects[b] - objects[a] || a - b);
    const all = list.length, most = Math.max(1, objects[list[0]] ?? 0);
    $("find-class").hidden = !everyClass && !wanted;
    $("all-classes").hidden = all <= MOST_CLASSES && !everyClass;
    $("all-classes").textContent = everyClass ? "show fewer" : `show all ${format.number(all)}`;
    list = list.slice(0, everyClass || wanted ? MOST_LISTED : MOST_CLASSES);
    keepFocus($("classes"), list.map(class_ => {
      const item = facet(classes[class_].name, objects[class_], objects[class_] / most, state.classes.has(class_), classes[class_].color,
        () => filters.toggle("classes", class_));
      item.firstElementChild.title = `in ${format.counted(files[class_], "file")}`;
      return item;
    }));
    const hint = $("classes-hint");
    if (state.classes.size) hint.replaceChildren(make("button", { type: "button", className: "link", textContent: "all classes", onclick: () => filters.change({ classes: new Set() }) }));
    else hint.textContent = all ? "the most at once in a file, added up" : "nothing found";
  }

  function trackList(found) {
    $("tracks-section").hidden = !facts.tracks;
    const { tracks } = found.tally;
    const list = [...tracks.keys()].filter(class_ => tracks[class_]).sort((a, b) => tracks[b] - tracks[a]).slice(0, MOST_CLASSES);
    $("tracks").replaceChildren(...list.map(class_ => make("li", { className: "plain" }, draw.swatch(classes[class_].color),
      make("span", { className: "name", textContent: classes[class_].name }), make("span", { className: "number", textContent: format.number(tracks[class_]) }))));
  }

  // Lists are made again; the button that has the focus keeps it.
  function keepFocus(list, items) {
    const focused = list.contains(document.activeElement) ? document.activeElement.querySelector(".name").textContent : null;
    list.replaceChildren(...items);
    if (focused === null) return;
    for (const button of list.querySelectorAll("button")) if (button.querySelector(".name").textContent === focused) button.focus();
  }

  function modelFacets(found, state) {
    const counts = models.map(() => 0);
    for (const source of sources) for (const model of new Set(source.series.map(series => series.model))) counts[model]++;
    const most = Math.max(1, ...counts);
    keepFocus($("models"), models.map(({ name }, model) =>
      facet(name, counts[model], counts[model] / most, state.models.has(model), null, () => filters.toggle("models", model))));
    $("models-section").hidden = models.length < 2;
  }

  const kinds = new Map();
  for (const kind of ["image", "video", "audio", "unknown"]) if (sources.some(source => filters.kindOf(source) === kind)) kinds.set(kind, 0);
  for (const source of sources) kinds.set(filters.kindOf(source), kinds.get(filters.kindOf(source)) + 1);
  const PLURALS = { image: "images", video: "videos", audio: "audio", unknown: "unreadable" };

  function kindFacets(found, state) {
    const most = Math.max(1, ...kinds.values());
    keepFocus($("kinds"), [...kinds].map(([kind, count]) =>
      facet(PLURALS[kind], count, count / most, state.kinds.has(kind), null, () => filters.toggle("kinds", kind))));
    $("kinds-section").hidden = kinds.size < 2;
  }

  function tile(head, value, note, more = {}) {
    return make(more.onclick ? "button" : "div", { className: `tile ${more.className ?? ""}`, type: "button", ...(more.onclick ? { onclick: more.onclick } : {}) },
      make("span", { className: "label", textContent: head }), make("strong", { textContent: value }), make("span", { className: "note", textContent: note }));
  }

  function tiles(found, showFailures) {
    const kindText = [...kinds].map(([kind, count]) => (kind === "audio" || kind === "unknown" ? `${format.number(count)} ${PLURALS[kind]}` : format.counted(count, kind))).join(" · ");
    const failed = sources.filter(source => source.failures.length).length;
    const run = facts.runs.at(-1);
    const frames = run?.frames, speed = frames && run.seconds ? `${(frames / run.seconds).toFixed(1)} frames/s in the last run` : "";
    const inferred = sources.reduce((sum, source) => sum + source.series.reduce((all, series) => all + series.count, 0), 0);
    $("tiles").replaceChildren(
      tile("Files", format.number(sources.length), kindText || "none"),
      tile("Found", format.number(found.objects), `${found.objects === 1 ? "object or label" : "objects and labels"} in ${format.counted(found.files, "file")}`),
      tile("Failed", format.number(failed), failed ? "files, see why" : "every file was read", failed ? { className: "bad", onclick: showFailures } : {}),
      tile("Frames", format.number(inferred), speed || "answered, by all models"),
    );
  }

  function count(found) {
    const all = found.shown.length === sources.length;
    $("count").textContent = all ? format.counted(sources.length, "file") : `${format.number(found.shown.length)} of ${format.counted(sources.length, "file")}`;
    $("empty").hidden = found.shown.length > 0;
    $("empty").textContent = sources.length ? "No file fits these filters." : "The ledger is empty: no file has been processed yet.";
  }

  $("threshold").oninput = event => filters.change({ threshold: Number(event.target.value) });
  $("all-classes").onclick = () => { everyClass = !everyClass; $("find-class").value = ""; filters.change({}); };
  $("find-class").oninput = () => filters.change({});
  $("only-found").onchange = event => filters.change({ onlyFound: event.target.checked });
  $("sort").onchange = event => filters.change({ sort: event.target.value });
  $("find").oninput = event => filters.change({ text: event.target.value.trim().toLowerCase() });
  new ResizeObserver(() => {
    const width = $("scores").clientWidth;
    if (plot && width && width !== plot.width) plot.setSize({ width, height: PLOT_HEIGHT });
  }).observe($("scores"));

  function nudge(by) {
    const value = Math.round(((filters.state.threshold ?? filters.start) + by) * 100) / 100;
    filters.change({ threshold: Math.max(0, Math.min(1, value)) });
  }

  function update(found, state, showFailures) {
    tiles(found, showFailures);
    scores(found, state);
    classFacets(found, state);
    trackList(found);
    modelFacets(found, state);
    kindFacets(found, state);
    count(found);
  }

  return { update, nudge, redraw: () => plot?.redraw() };
})();
