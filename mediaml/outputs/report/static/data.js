"use strict";
// The facts and columns that the page holds. Columns are typed arrays, decoded from base64 once.
const data = (() => {
  const TYPES = { B: Uint8Array, H: Uint16Array, I: Uint32Array, f: Float32Array };

  function bytes(text) {
    if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
    const binary = atob(text);
    const found = new Uint8Array(binary.length);
    for (let i = 0; i < binary.length; i++) found[i] = binary.charCodeAt(i);
    return found;
  }

  const facts = JSON.parse(document.getElementById("facts").textContent);
  const columns = {};
  for (const element of document.querySelectorAll("script.column")) {
    const { name, type } = element.dataset;
    columns[name] = new TYPES[type](bytes(element.textContent).buffer);
    element.remove();
  }
  document.getElementById("facts").remove();

  // Models that failed on a file for the same reason as one failure with several parts.
  function merged(failures) {
    const reasons = new Map();
    for (const { part, ...reason } of failures) {
      const key = JSON.stringify(reason);
      if (!reasons.has(key)) reasons.set(key, { ...reason, parts: [] });
      reasons.get(key).parts.push(part);
    }
    return [...reasons.values()];
  }

  const { sources, models, classes } = facts;
  sources.forEach((source, index) => {
    source.index = index;
    source.series = [];
    source.failures = merged(source.failures ?? []);
    source.thumbs ??= [];
    source.poster ??= 0;
    source.low = source.name.toLowerCase();
  });
  for (const [source, model, first, count, audio] of facts.series) {
    sources[source].series.push({ model, first, count, audio, end: first + count });
  }

  // The row of the last frame of a series that begins at or before a time; -1 where there is none.
  function frameAt(series, time) {
    const times = columns.time;
    let low = series.first, high = series.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (times[middle] <= time + 0.0006) low = middle + 1; else high = middle;
    }
    return low > series.first ? low - 1 : -1;
  }

  // Seconds from one frame of a series to the next, on average; boxes hold for as long.
  function spacing(series) {
    if (series.count < 2) return Infinity;
    return (columns.time[series.end - 1] - columns.time[series.first]) / (series.count - 1);
  }

  return { facts, columns, sources, models, classes, frameAt, spacing };
})();
