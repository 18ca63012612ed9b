"use strict";
// One file large: picture or player with live boxes, what was found, its timeline and moments.
const viewer = (() => {
  const { make } = draw;
  const { columns, classes, facts } = data;
  const $ = id => document.getElementById(id);
  const dialog = $("viewer"), screen = $("screen");
  let place = 0, source = null, player = null, svg = null, tags = null, frame = null, still = 0, boxed = true;

  const timed = () => source.kind === "video" || source.kind === "audio";
  const now = () => (player && !player.error ? player.currentTime : still);

  // Open a file by its place among those shown; or one that may not be shown, which keeps that place.
  function open(at, one = null, time = null) {
    place = Math.max(0, Math.min(cards.shown.length - 1, at));
    source = one ?? cards.shown[place];
    still = time ?? source.thumbs[source.poster]?.[0] ?? 0;
    stop();
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    $("viewer-name").replaceChildren(make("bdi", { textContent: source.name }));
    $("before").disabled = place === 0;
    $("after").disabled = place >= cards.shown.length - 1;
    stage();
    refresh();
  }

  const openAt = (one, time) => open(cards.shown.indexOf(one), one, time);

  function stop() {
    player?.pause();
    player?.removeAttribute("src");
    player?.load();
    player = null;
  }

  // What fills the stage: the file itself where the browser can show it, else a thumbnail or a notice.
  function stage() {
    svg = draw.emptySvg();
    tags = make("div", { className: "names" });
    frame = make("div", { className: "fitted" });
    screen.replaceChildren(frame);
    dialog.classList.toggle("for-audio", source.kind === "audio");
    if (source.href && source.kind === "image") showImage(source.href);
    else if (source.href && timed()) showPlayer();
    else showStill(source.failures.length ? "" : "This file cannot be shown.");
    layout();
  }

  function showImage(url) {
    const image = make("img", { alt: source.name, src: url, decoding: "async" });
    image.onerror = () => { image.onerror = null; showStill(""); layout(); };
    frame.replaceChildren(image, svg, tags);
  }

  function showPlayer() {
    player = make(source.kind === "video" ? "video" : "audio", { controls: true, preload: "metadata", src: source.href });
    if (source.kind === "video" && source.thumbs.length) player.poster = source.thumbs[source.poster][1];
    player.onerror = () => {
      player = null;
      showStill("This browser cannot play the file; the moments below are shown as pictures.");
      layout();
    };
    player.ontimeupdate = player.onseeked = tick;
    if (player.requestVideoFrameCallback) {
      const owner = player;
      const each = () => { if (player === owner) { tick(); owner.requestVideoFrameCallback(each); } };
      player.requestVideoFrameCallback(each);
    }
    player.currentTime = source.kind === "video" ? still : 0;
    frame.replaceChildren(player, svg, tags);
  }

  function showStill(notice) {
    const thumb = nearest(still);
    const parts = thumb ? [make("img", { alt: source.name, src: thumb[1] }), svg, tags] : [];
    if (thumb) still = thumb[0];
    frame.replaceChildren(...parts);
    const text = notice || (thumb ? "" : source.failures[0]?.message ?? source.notes[0] ?? "");
    screen.querySelector(".notice")?.remove();
    if (text) screen.append(make("p", { className: "notice", textContent: text }));
  }

  function nearest(time) {
    let best = null;
    for (const thumb of source.thumbs) if (!best || Math.abs(thumb[0] - time) < Math.abs(best[0] - time)) best = thumb;
    return best;
  }

  function layout() {
    if (!source) return;
    if (source.kind === "audio") frame.removeAttribute("style");
    else Object.assign(frame.style, cards.fit(source, screen.clientWidth, screen.clientHeight));
    timeline.resize($("timeline"));
    tick();
  }

  // Draw what is there at the moment that is shown.
  function tick() {
    if (!source) return;
    const time = now();
    const picture = source.kind !== "audio" && boxed ? draw.at(source, time) : [];
    draw.boxes(svg, source, picture, tags);
    if (timed()) timeline.movePlayhead(time);
  }

  function jump(time) {
    still = time;
    if (player && !player.error) player.currentTime = time;
    else { showStill(screen.querySelector(".notice")?.textContent ?? ""); layout(); }
    tick();
  }

  // Everything that filters change.
  function refresh() {
    if (!dialog.open || !source) return;
    about();
    $("times").hidden = !timed() && source.thumbs.length < 2;
    if (timed() && source.end > 0) {
      $("by-track").hidden = !source.series.some(hasTracks);
      const more = timeline.show($("timeline"), source, !$("by-track").hidden && $("by-track").firstElementChild.checked, jump);
      $("timeline").dataset.more = more > 0 ? `${format.counted(more, "more lane")} not shown` : "";
    } else {
      timeline.clear();
    }
    moments();
    tick();
  }

  const hasTracks = ({ first, end }) => {
    if (!facts.tracks) return false;
    const { track, detection } = columns;
    for (let row = detection[first]; row < detection[end]; row++) if (track[row]) return true;
    return false;
  };

  function moments() {
    $("moments").replaceChildren(...(source.thumbs.length > 1 ? source.thumbs : []).map(([time, url]) => {
      const lines = draw.emptySvg();
      draw.boxes(lines, source, draw.at(source, time));
      return make("button", { type: "button", title: `Jump to ${format.time(time, 1)}`, onclick: () => jump(time) },
        make("span", { className: "fitted" }, make("img", { src: url, alt: "", loading: "lazy" }), lines),
        make("span", { textContent: format.time(time, 1) }));
    }));
  }

  function about() {
    const list = (head, ...parts) => [make("h3", { textContent: head }), ...parts];
    const heard = source.kind === "audio";
    const rows = (heard ? timeline.seconds(source) : cards.classesOf(source)).map(([class_, count]) => make("li", {},
      draw.swatch(classes[class_].color), make("span", { textContent: classes[class_].name }),
      make("b", { textContent: heard ? `${count.toFixed(1)} s` : format.number(count) })));
    const parts = [];
    for (const { parts: by, stage, type, message, hint } of source.failures) {
      parts.push(make("div", { className: "failure" }, make("b", { textContent: `${by.join(", ")} failed (${stage}, ${type})` }),
        make("p", { textContent: message }), hint ? make("p", { className: "hint", textContent: hint }) : null));
    }
    for (const note of source.notes) parts.push(make("p", { className: "note", textContent: note }));
    parts.push(...list("Found", rows.length ? make("ul", { className: "found" }, ...rows)
      : make("p", { className: "hint", textContent: "Nothing with these filters." })));
    if (rows.length && source.kind === "video") parts.push(make("p", { className: "hint", textContent: "the most at once in one frame" }));
    parts.push(...tracks(), ...counts.about(source), ...list("File", details()));
    $("about").replaceChildren(...parts);
  }

  // Distinct objects per class, where objects were followed across frames.
  function tracks() {
    const seen = new Map();
    if (!facts.tracks) return [];
    source.series.forEach((series, index) => filters.eachRow(series, (row, isBox) => {
      if (!isBox || !columns.track[row]) return;
      const class_ = columns.class_[row];
      if (!seen.has(class_)) seen.set(class_, new Set());
      seen.get(class_).add(`${index} ${columns.track[row]}`);
    }));
    if (!seen.size) return [];
    const rows = [...seen].sort((a, b) => b[1].size - a[1].size).map(([class_, ids]) => make("li", {},
      draw.swatch(classes[class_].color), make("span", { textContent: classes[class_].name }), make("b", { textContent: format.number(ids.size) })));
    return [make("h3", { textContent: "Tracks" }), make("ul", { className: "found" }, ...rows),
      make("p", { className: "hint", textContent: "distinct objects" })];
  }

  function details() {
    const seen = [...new Set(source.series.map(({ model }) => facts.models[model].name))].join(", ");
    const frames = source.series.reduce((sum, { count }) => Math.max(sum, count), 0);
    const rows = [
      ["kind", source.kind ?? "unknown"], ["size", source.width ? `${source.width} × ${source.height} px` : ""],
      ["length", timed() ? format.time(source.end, 1) : ""], ["rate", source.rate ? `${source.rate} frames/s` : ""],
      ["codec", source.codec ?? ""], ["bytes", source.bytes ? format.bytes(source.bytes) : ""],
      ["frames", frames ? format.number(frames) : ""], ["models", seen],
    ].filter(row => row[1]);
    const list = make("dl", {}, ...rows.map(([name, value]) => make("div", {}, make("dt", { textContent: name }), make("dd", { textContent: value }))));
    if (source.href) list.append(make("a", { href: source.href, target: "_blank", rel: "noopener", textContent: "Open the file" }));
    return list;
  }

  // To the previous (-1) or next (1) frame in which something is shown.
  function step(direction) {
    const from = now();
    let best = null;
    for (const series of source.series) {
      for (let at = series.first; at < series.end; at++) {
        const time = columns.time[at], ahead = (time - from) * direction;
        if (ahead <= 0.002 || (best !== null && ahead >= (best - from) * direction)) continue;
        filters.rowsOf(series, at, () => { best = time; });
      }
    }
    if (best !== null) { player?.pause(); jump(best); }
  }

  function play() { if (player) { if (player.paused) player.play().catch(() => {}); else player.pause(); } }
  function toggleBoxes() { boxed = !boxed; document.body.classList.toggle("no-boxes", !boxed); if (dialog.open) tick(); }

  $("before").onclick = () => go(-1);
  $("after").onclick = () => go(1);
  $("close").onclick = () => dialog.close();
  $("by-track").firstElementChild.onchange = refresh;
  dialog.addEventListener("close", () => { stop(); timeline.clear(); source = null; cards.update(filters.found); cards.setCurrent(place); });
  dialog.addEventListener("click", event => { if (event.target === dialog) dialog.close(); });
  new ResizeObserver(() => dialog.open && layout()).observe(screen);
  function go(direction) { cards.setCurrent(place + direction); open(place + direction); }

  return { open, openAt, go, step, play, refresh, toggleBoxes, get isOpen() { return dialog.open; } };
})();
