"use strict";
// Numbers, times and sizes as people read them.
const format = (() => {
  const number = value => value.toLocaleString("en").replaceAll(",", "\u202f");
  const counted = (value, noun, plural = noun + "s") => `${number(value)} ${value === 1 ? noun : plural}`;
  function time(seconds, decimals = 0) {
    const whole = Math.max(0, seconds), minutes = Math.floor(whole / 60), hours = Math.floor(minutes / 60);
    const rest = (whole % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
    return hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
  }
  function bytes(size) {
    const units = ["B", "kB", "MB", "GB", "TB"];
    let unit = 0;
    for (; size >= 1000 && unit < 4; unit++) size /= 1000;
    return `${size < 10 && unit ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
  }
  const moment = text => (text ? text.slice(0, 16).replace("T", " ") + " UTC" : "");
  return { number, counted, time, bytes, moment };
})();
