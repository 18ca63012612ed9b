"use strict";
// When each class is there: a lane per class over the time of a video or audio file, above its spectrogram.
const timeline = (() => {
  const { columns, classes } = data;
  const MOST_LANES = 12, LANE = 20, AXIS = 30, GUTTER = 108;
  let plot = null, lanes = [], strip = null, head = null, ends = [], deep = 64;

  // Stretches of time in which a class, or a track of it, is there: { class_, track, stretches: [[from, to]] }.
  function lanesOf(source, byTrack) {
    const found = new Map();
    for (const series of source.series) {
      const spacing = data.spacing(series), step = Number.isFinite(spacing) ? spacing : 0;
      filters.eachRow(series, (row, boxed, frame) => {
        const class_ = boxed ? columns.class_[row] : columns.labelClass[row];
        const track = boxed && byTrack ? columns.track[row] : 0;
        if (byTrack && !series.audio && !track) return;
        const from = columns.time[frame];
        extend(found, class_, track, from, from + Math.max(columns.length[frame], step, 0.02), step * 0.6);
      });
    }
    const all = [...found.values()];
    for (const lane of all) lane.total = lane.stretches.reduce((sum, [from, to]) => sum + to - from, 0);
    return all.sort((a, b) => b.total - a.total);
  }

  // For how long each class is there: [class, seconds], the longest first.
  const seconds = source => lanesOf(source, false).map(lane => [lane.class_, lane.total]);

  function extend(found, class_, track, from, to, slack) {
    const key = class_ * 4294967296 + track;
    let lane = found.get(key);
    if (!lane) found.set(key, lane = { class_, track, stretches: [] });
    const last = lane.stretches.at(-1);
    if (last && from <= last[1] + slack) last[1] = Math.max(last[1], to);
    else lane.stretches.push([from, to]);
  }

  function paint(u) {
    const { ctx, bbox } = u, ratio = devicePixelRatio, style = getComputedStyle(document.body);
    const x = time => u.valToPos(time, "x", true);
    ctx.save();
    ctx.font = `${12 * ratio}px ${style.fontFamily}`;
    ctx.textBaseline = "middle";
    lanes.forEach((lane, index) => {
      const top = bbox.top + index * LANE * ratio, middle = top + LANE * ratio / 2;
      const { name, color } = classes[lane.class_];
      ctx.fillStyle = style.color;
      ctx.textAlign = "right";
      ctx.fillText(shorten(ctx, lane.track ? `${name} #${lane.track - 1}` : name, (GUTTER - 14) * ratio), bbox.left - 10 * ratio, middle);
      ctx.save();
      ctx.beginPath();
      ctx.rect(bbox.left, top, bbox.width, LANE * ratio);
      ctx.clip();
      ctx.fillStyle = style.getPropertyValue("--lane");
      ctx.fillRect(bbox.left, top + 3 * ratio, bbox.width, (LANE - 6) * ratio);
      ctx.fillStyle = color;
      ctx.strokeStyle = style.getPropertyValue("--edge");
      ctx.lineWidth = ratio;
      for (const [from, to] of lane.stretches) {
        const left = x(from), wide = Math.max(2 * ratio, x(to) - left);
        ctx.fillRect(left, top + 3 * ratio, wide, (LANE - 6) * ratio);
        if (wide > 4 * ratio) ctx.strokeRect(left + ratio / 2, top + 3.5 * ratio, wide - ratio, (LANE - 7) * ratio);
      }
      ctx.restore();
    });
    if (strip?.complete && strip.naturalWidth) paintStrip(u, x);
    ctx.restore();
  }

  function paintStrip(u, x) {
    const { ctx, bbox } = u, ratio = devicePixelRatio;
    const top = bbox.top + lanes.length * LANE * ratio + 4 * ratio;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, top, bbox.width, deep * ratio);
    ctx.clip();
    ctx.drawImage(strip, x(0), top, x(ends[1]) - x(0), deep * ratio);
    ctx.restore();
  }

  function decimals(splits) {
    const step = splits.length > 1 ? splits[1] - splits[0] : 1;
    return step < 0.1 ? 2 : step < 1 ? 1 : 0;
  }

  function shorten(ctx, text, room) {
    if (ctx.measureText(text).width <= room) return text;
    let kept = text;
    while (kept.length > 1 && ctx.measureText(`${kept}…`).width > room) kept = kept.slice(0, -1);
    return `${kept}…`;
  }

  // Show a source; `jump` is called with a time in seconds when a place is clicked.
  function show(room, source, byTrack, jump) {
    clear();
    const all = lanesOf(source, byTrack);
    lanes = all.slice(0, MOST_LANES);
    ends = [0, Math.max(source.end, 0.04)];
    deep = source.kind === "audio" ? 180 : 64;
    if (source.strip) {
      strip = new Image();
      strip.onload = () => plot?.redraw();
      strip.src = source.strip;
    }
    const ink = getComputedStyle(document.body);
    const height = Math.max(1, lanes.length) * LANE + (source.strip ? deep + 8 : 0) + AXIS;
    plot = new uPlot({
      width: Math.max(200, room.clientWidth), height, padding: [2, 22, 0, 0],
      legend: { show: false }, select: { show: true },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: true } },
      scales: { x: { time: false, range: (u, min, max) => [Math.max(ends[0], min ?? ends[0]), Math.min(ends[1], max ?? ends[1])] }, y: { range: [0, 1] } },
      series: [{}, { show: false }],
      axes: [
        { stroke: ink.color, grid: { stroke: ink.getPropertyValue("--line"), width: 1 }, ticks: { show: false }, size: AXIS - 4, gap: 4, space: 64,
          values: (u, splits) => splits.map(time => format.time(time, decimals(splits))) },
        { show: true, size: GUTTER, grid: { show: false }, ticks: { show: false }, values: (u, splits) => splits.map(() => "") },
      ],
      hooks: { draw: [paint], setScale: [() => plot && movePlayhead(at)] },
    }, [ends, [null, null]], room);
    head = draw.make("i", { className: "playhead" });
    plot.over.append(head);
    listen(plot.over, jump);
    room.setAttribute("role", "img");
    room.setAttribute("aria-label", all.length
      ? `Timeline: ${lanes.map(lane => `${classes[lane.class_].name} ${format.time(lane.stretches[0][0])}`).join(", ")}`
      : "Timeline: nothing found");
    return all.length - lanes.length;
  }

  let at = 0;
  function movePlayhead(time) {
    at = time;
    if (head) head.style.transform = `translateX(${plot.valToPos(time, "x")}px)`;
  }

  function listen(over, jump) {
    let pressed = null;
    over.addEventListener("pointerdown", event => { pressed = event.clientX; });
    over.addEventListener("click", event => {
      // The end of a drag, which zooms, is no click.
      if (pressed !== null && Math.abs(event.clientX - pressed) > 4) return;
      const time = plot.posToVal(event.clientX - over.getBoundingClientRect().left, "x");
      jump(Math.max(0, Math.min(ends[1], time)));
    });
  }

  function clear() {
    plot?.destroy();
    plot = strip = head = null;
    lanes = [];
    at = 0;
  }

  function resize(room) {
    if (plot) plot.setSize({ width: Math.max(200, room.clientWidth), height: plot.height });
  }

  return { show, clear, resize, movePlayhead, seconds };
})();
