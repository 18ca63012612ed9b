"use strict";
// What is shown: the state of all filters, and one pass over the columns that applies them.
const filters = (() => {
  const { facts, columns, sources, models, classes } = data;
  const BINS = 50;
  const SCORE = facts.units.score;
  const state = {
    threshold: facts.threshold, // null: what each model was run with
    classes: new Set(), models: new Set(), kinds: new Set(), // empty: all
    text: "", onlyFound: false, sort: "given",
  };
  const listeners = [];
  let found = null;
  let asked = false;

  const least = model => Math.ceil((state.threshold ?? models[model].least) * SCORE - 1e-6);
  const wantsModel = model => !state.models.size || state.models.has(model);
  const wantsClass = class_ => !state.classes.size || state.classes.has(class_);
  const kindOf = source => source.kind ?? "unknown";
  const isCandidate = source =>
    (!state.kinds.size || state.kinds.has(kindOf(source))) && (!state.text || source.low.includes(state.text));

  // Counts per class: the most at once in a frame of a file, added up over files, as `mediaml run` does.
  class Tally {
    constructor() {
      const n = classes.length;
      this.objects = new Uint32Array(n);
      this.files = new Uint32Array(n);
      this.most = new Uint32Array(n);
      this.now = new Uint32Array(n);
      this.tracks = new Uint32Array(n);
      this.seen = new Set();
      this.frame = new Int32Array(n).fill(-1);
      this.touched = [];
    }
    add(class_, frame, alone) {
      if (this.frame[class_] !== frame) { this.frame[class_] = frame; this.now[class_] = 0; }
      const now = alone ? (this.now[class_] = 1) : ++this.now[class_];
      if (this.most[class_] === 0) this.touched.push(class_);
      if (now > this.most[class_]) this.most[class_] = now;
    }
    // A track is one object; its number counts within one model and source.
    follow(class_, track) {
      const key = class_ * 4294967296 + track;
      if (this.seen.has(key)) return;
      this.seen.add(key);
      this.tracks[class_]++;
    }
    endSource() {
      let count = 0;
      for (const class_ of this.touched) {
        this.objects[class_] += this.most[class_];
        this.files[class_]++;
        if (wantsClass(class_)) count += this.most[class_];
        this.most[class_] = 0;
      }
      this.touched.length = 0;
      return count;
    }
  }

  function scanSeries(series, tally, result) {
    const { detection, label, class_, score, track, labelClass, labelScore } = columns;
    tally.seen.clear();
    const min = least(series.model), all = state.classes.size === 0, { bins } = result;
    let best = 0;
    for (let frame = series.first; frame < series.end; frame++) {
      for (let row = detection[frame]; row < detection[frame + 1]; row++) {
        const one = score[row], wanted = all || state.classes.has(class_[row]);
        if (wanted) bins[Math.min(BINS - 1, one * BINS / SCORE | 0)]++;
        if (one < min) continue;
        tally.add(class_[row], frame, false);
        if (track[row]) tally.follow(class_[row], track[row]);
        if (wanted && one > best) best = one;
      }
      for (let row = label[frame]; row < label[frame + 1]; row++) {
        const one = labelScore[row], wanted = all || state.classes.has(labelClass[row]);
        if (wanted) bins[Math.min(BINS - 1, one * BINS / SCORE | 0)]++;
        // A frame's labels after the first count only where classes are asked for.
        if (one < min || (all && row > label[frame])) continue;
        tally.add(labelClass[row], frame, true);
        if (wanted && one > best) best = one;
      }
    }
    return best;
  }

  function scan() {
    const tally = new Tally();
    const result = {
      counts: new Uint32Array(sources.length), best: new Uint16Array(sources.length),
      bins: new Float64Array(BINS), tally, shown: [], objects: 0, files: 0, candidates: 0,
    };
    for (const source of sources) {
      if (!isCandidate(source)) continue;
      result.candidates++;
      let best = 0;
      for (const series of source.series) {
        if (wantsModel(series.model)) best = Math.max(best, scanSeries(series, tally, result));
      }
      const count = tally.endSource();
      result.counts[source.index] = count;
      result.best[source.index] = best;
      result.objects += count;
      if (count) result.files++;
      if (count || !(state.onlyFound || state.classes.size)) result.shown.push(source);
    }
    sort(result);
    return result;
  }

  function sort({ shown, counts, best }) {
    const given = (a, b) => a.index - b.index;
    const orders = {
      most: (a, b) => counts[b.index] - counts[a.index] || given(a, b),
      score: (a, b) => best[b.index] - best[a.index] || given(a, b),
      name: (a, b) => (a.low < b.low ? -1 : a.low > b.low ? 1 : given(a, b)),
      failed: (a, b) => (b.failures.length > 0) - (a.failures.length > 0) || given(a, b),
    };
    if (orders[state.sort]) shown.sort(orders[state.sort]);
  }

  function apply() {
    asked = false;
    found = scan();
    for (const listener of listeners) listener(found, state);
  }

  // Change the state; the page follows with the next frame of the screen.
  function change(values) {
    Object.assign(state, values);
    if (!asked) { asked = true; requestAnimationFrame(apply); }
  }

  function toggle(name, value) {
    const next = new Set(state[name]);
    if (!next.delete(value)) next.add(value);
    change({ [name]: next });
  }

  // Calls back with every row of a frame that is shown: (row, isDetection).
  function rowsOf(series, frame, callback) {
    if (frame < 0 || !wantsModel(series.model)) return;
    const { detection, label, class_, score, labelClass, labelScore } = columns;
    const min = least(series.model);
    for (let row = detection[frame]; row < detection[frame + 1]; row++) {
      if (score[row] >= min && wantsClass(class_[row])) callback(row, true);
    }
    for (let row = label[frame]; row < label[frame + 1]; row++) {
      if (labelScore[row] >= min && wantsClass(labelClass[row])) callback(row, false);
    }
  }

  // The same for all frames of a series, in order: (row, isDetection, frame).
  function eachRow(series, callback) {
    if (!wantsModel(series.model)) return;
    const { detection, label, class_, score, labelClass, labelScore } = columns;
    const min = least(series.model), all = state.classes.size === 0;
    for (let frame = series.first; frame < series.end; frame++) {
      for (let row = detection[frame]; row < detection[frame + 1]; row++) {
        if (score[row] >= min && (all || state.classes.has(class_[row]))) callback(row, true, frame);
      }
      for (let row = label[frame]; row < label[frame + 1]; row++) {
        if (labelScore[row] >= min && (all || state.classes.has(labelClass[row]))) callback(row, false, frame);
      }
    }
  }

  const start = Math.min(1, ...models.map(model => model.least));
  return {
    BINS, SCORE, state, change, toggle, rowsOf, eachRow, kindOf,
    start: models.length ? start : 0,
    follow: listener => listeners.push(listener),
    begin: apply,
    get found() { return found; },
  };
})();
