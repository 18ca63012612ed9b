"use strict";
// The files as cards: only those near the window exist as elements, however many there are.
const cards = (() => {
  const { make } = draw;
  const { columns, classes } = data;
  const GAP = 14, TEXT = 78, AHEAD = 400, MOST_PRINTED = 120;
  const grid = document.getElementById("grid");
  const live = new Map();
  let shown = [], across = 1, width = 200, height = 200, current = 0, version = 0, open = () => {};

  const STATES = { missing: "not found", changed: "changed since", url: "from a URL" };

  function measure() {
    const room = grid.clientWidth;
    const least = room < 520 ? 150 : 210;
    across = Math.max(1, Math.floor((room + GAP) / (least + GAP)));
    width = Math.floor((room - GAP * (across - 1)) / across);
    height = Math.round(width * 0.68) + TEXT;
    grid.style.height = `${Math.max(0, Math.ceil(shown.length / across) * (height + GAP) - GAP)}px`;
  }

  // Where a picture of that size is in a box, uncropped.
  function fit(source, boxWidth, boxHeight) {
    const scale = Math.min(boxWidth / (source.width ?? 4), boxHeight / (source.height ?? 3));
    return { width: `${(source.width ?? 4) * scale}px`, height: `${(source.height ?? 3) * scale}px` };
  }

  function picture(source) {
    const room = make("div", { className: "picture" });
    room.style.height = `${height - TEXT}px`;
    const thumb = source.thumbs[source.poster];
    if (thumb) {
      const [time, url] = thumb;
      const svg = draw.emptySvg();
      const image = make("img", { src: url, alt: "", loading: "lazy", decoding: "async" });
      room.append(make("div", { className: "fitted", style: fit(source, width, height - TEXT) }, image, svg));
      draw.boxes(svg, source, draw.at(source, time));
    } else if (source.strip) {
      room.append(make("img", { src: source.strip, alt: "", className: "strip", decoding: "async" }));
    } else {
      const failure = source.failures[0];
      room.append(make("p", { className: "nothing", textContent: failure ? failure.message : STATES[source.state] ?? "no picture" }));
    }
    if (source.kind === "video" || source.kind === "audio") {
      room.append(make("span", { className: "badge", textContent: `${source.kind === "audio" ? "♪ " : "▶ "}${format.time(source.end)}` }));
    }
    return room;
  }

  // The classes of a source with the most at once in one frame, most first.
  function classesOf(source) {
    const most = new Map(), now = new Map();
    let at = -1;
    for (const series of source.series) {
      filters.eachRow(series, (row, boxed, frame) => {
        if (!boxed && row > columns.label[frame] && !filters.state.classes.size) return;
        if (frame !== at) { at = frame; now.clear(); }
        const class_ = boxed ? columns.class_[row] : columns.labelClass[row];
        const count = boxed ? (now.get(class_) ?? 0) + 1 : 1;
        now.set(class_, count);
        if (count > (most.get(class_) ?? 0)) most.set(class_, count);
      });
    }
    return [...most].sort((a, b) => b[1] - a[1]);
  }

  function chips(source) {
    const found = classesOf(source);
    const list = make("p", { className: "chips" });
    for (const [class_, count] of found.slice(0, 3)) {
      const { name, color } = classes[class_];
      list.append(make("span", { className: "chip" }, draw.swatch(color), name, count > 1 ? make("b", { textContent: ` ${count}` }) : null));
    }
    if (found.length > 3) list.append(make("span", { className: "more", textContent: `+${found.length - 3}` }));
    if (source.failures.length) {
      list.prepend(make("span", { className: "failed", textContent: "failed" }));
    } else if (!found.length) {
      list.append(make("span", { className: "more", textContent: "nothing found" }));
    }
    return list;
  }

  function facts(source) {
    const parts = [source.width ? `${source.width} × ${source.height}` : source.kind ?? "unreadable"];
    if (source.bytes) parts.push(format.bytes(source.bytes));
    if (STATES[source.state]) parts.push(STATES[source.state]);
    return parts.join(" · ");
  }

  // Calls back with the frame and class of the best row in each stretch of so many seconds.
  function bestOfDots(series, seconds, callback) {
    let best = -1, dot = -1, from = 0, of = 0;
    filters.eachRow(series, (row, boxed, frame) => {
      const place = Math.floor(columns.time[frame] / seconds);
      if (place !== dot && best >= 0) { callback(from, of); best = -1; }
      dot = place;
      const score = boxed ? columns.score[row] : columns.labelScore[row];
      if (score > best) { best = score; from = frame; of = boxed ? columns.class_[row] : columns.labelClass[row]; }
    });
    if (best >= 0) callback(from, of);
  }

  function presence(source) {
    const bar = make("canvas", { className: "presence", "aria-hidden": "true" });
    const dots = Math.min(width, 400);
    bar.width = dots;
    bar.height = 6;
    const context = bar.getContext("2d");
    for (const series of source.series) {
      const held = Math.max(1, Math.ceil(Math.min(data.spacing(series), source.end) / source.end * dots));
      const mark = (frame, class_) => {
        context.fillStyle = classes[class_].color;
        context.fillRect(Math.floor(columns.time[frame] / source.end * dots), 0, held, 6);
      };
      bestOfDots(series, source.end / dots, mark);
    }
    return bar;
  }

  function build(source, place) {
    const timed = (source.kind === "video" || source.kind === "audio") && source.end > 0 && source.series.length;
    const slash = source.name.lastIndexOf("/") + 1;
    const card = make("article", {
      className: source.failures.length ? "card has-failed" : "card", id: `card-${place}`, role: "option",
      "aria-setsize": shown.length, "aria-posinset": place + 1, "aria-label": source.name,
      title: source.name, onclick: () => { setCurrent(place); open(place); },
    }, picture(source),
    make("h3", {}, make("bdi", { textContent: source.name.slice(slash) })),
    make("p", { className: "facts", textContent: facts(source) }), chips(source), timed ? presence(source) : null);
    card.setAttribute("aria-selected", place === current);
    return card;
  }

  function put(place) {
    const old = live.get(place);
    if (old?.version === version) return;
    const card = build(shown[place], place);
    Object.assign(card.style, {
      width: `${width}px`, height: `${height}px`,
      transform: `translate(${(place % across) * (width + GAP)}px, ${Math.floor(place / across) * (height + GAP)}px)`,
    });
    if (old) old.card.replaceWith(card); else grid.append(card);
    live.set(place, { card, version });
  }

  function render() {
    if (!shown.length || grid.offsetParent === null) return;
    const top = -grid.getBoundingClientRect().top, step = height + GAP;
    const first = Math.max(0, Math.floor((top - AHEAD) / step)) * across;
    const last = Math.min(shown.length, Math.ceil((top + innerHeight + AHEAD) / step) * across);
    for (const [place, { card }] of live) {
      if (place < first || place >= last) { card.remove(); live.delete(place); }
    }
    for (let place = first; place < last; place++) put(place);
  }

  function update(found) {
    shown = found.shown;
    current = Math.min(current, Math.max(0, shown.length - 1));
    version++;
    for (const [place, { card }] of live) if (place >= shown.length) { card.remove(); live.delete(place); }
    measure();
    render();
    grid.setAttribute("aria-activedescendant", shown.length ? `card-${current}` : "");
  }

  function resize() { version++; measure(); render(); }

  function setCurrent(place) {
    live.get(current)?.card.setAttribute("aria-selected", false);
    current = Math.max(0, Math.min(shown.length - 1, place));
    live.get(current)?.card.setAttribute("aria-selected", true);
    grid.setAttribute("aria-activedescendant", `card-${current}`);
  }

  // Move among the cards by keys, and keep the current one in the window.
  function move(dx, dy) {
    setCurrent(current + dx + dy * across);
    const top = grid.getBoundingClientRect().top + Math.floor(current / across) * (height + GAP);
    if (top < 70) scrollBy(0, top - 80);
    else if (top + height > innerHeight - 10) scrollBy(0, top + height - innerHeight + 20);
    render();
  }

  addEventListener("scroll", () => requestAnimationFrame(render), { passive: true });
  new ResizeObserver(resize).observe(grid.parentElement);
  // On paper there is no window: print the first cards one after another.
  addEventListener("beforeprint", () => {
    measure();
    const count = Math.min(MOST_PRINTED, shown.length);
    for (let place = 0; place < count; place++) put(place);
    for (const image of grid.querySelectorAll("img")) image.loading = "eager";
    grid.parentElement.dataset.printed = shown.length > count ? `The first ${count} of ${format.number(shown.length)} files.` : "";
  });
  addEventListener("afterprint", resize);

  return {
    update, move, classesOf, fit,
    onOpen: callback => { open = callback; },
    openCurrent: () => shown.length && open(current),
    setCurrent, get shown() { return shown; }, get current() { return current; },
  };
})();
