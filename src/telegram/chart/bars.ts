/** Stacked bars, a day each, with an axis and a legend: light, and large enough for a phone. Pure. */
import { type Canvas, createCanvas, letterWidth, textHeight } from "./canvas.ts";
import type { Colour } from "./png.ts";

export interface BarChart {
  readonly heading: string;
  readonly about: string;
  /** The days, oldest first, as they are called. */
  readonly days: readonly string[];
  /** What is stacked, the largest first; those that no colour is left for are put together by who makes the chart. */
  readonly series: readonly BarSeries[];
  /** An amount beside the axis. */
  amount(value: number): string;
}

export interface BarSeries {
  readonly name: string;
  /** What stands behind it in the legend: its sum. */
  readonly note: string;
  /** For each day. */
  readonly values: readonly number[];
}

const width = 960;
const margin = 32;
const plotHeight = 420;
const lineHeight = 52;
const gridLines = 4;
const white: Colour = [255, 255, 255];
const ink: Colour = [34, 40, 49];
const quiet: Colour = [96, 108, 122];
const grid: Colour = [222, 227, 233];
/** Told apart by people who see colours differently, and on a phone in the sun. */
const colours: readonly Colour[] = [
  ...([
    [0, 114, 178],
    [230, 140, 0],
    [0, 145, 105],
    [204, 90, 150],
    [80, 180, 230],
    [176, 66, 0],
    [140, 140, 140],
  ] as const),
];

/** How many series can be told apart. */
export const mostSeries = colours.length;

/** Draws the chart. */
export function drawBars(chart: BarChart): Buffer {
  const legendTop = margin + 2 * lineHeight + plotHeight + 2 * lineHeight;
  const height = legendTop + Math.max(1, chart.series.length) * lineHeight + margin / 2;
  const canvas = createCanvas(width, height, white);
  canvas.text(margin, margin, fitted(chart.heading, width - 2 * margin), { colour: ink, bold: true });
  canvas.text(margin, margin + lineHeight, fitted(chart.about, width - 2 * margin), { colour: quiet });
  drawPlot(canvas, chart, margin + 2 * lineHeight + textHeight / 2);
  for (const [at, { name, note }] of chart.series.entries()) {
    const y = legendTop + at * lineHeight;
    canvas.fill(margin, y - 2, 32, 32, colours[at] ?? ink);
    const left = margin + 52;
    const room = width - margin - left;
    const shown = fitted(note, room / 2);
    canvas.text(left, y, fitted(name, room - ([...shown].length + 1) * letterWidth), { colour: ink });
    canvas.text(width - margin, y, shown, { colour: ink, end: true });
  }
  return canvas.png();
}

function drawPlot(canvas: Canvas, { days, series, amount }: BarChart, top: number): void {
  const sums = days.map((_, day) => series.reduce((sum, { values }) => sum + (values[day] ?? 0), 0));
  const step = stepFor(Math.max(...sums, 0));
  const labels = Array.from({ length: gridLines + 1 }, (_, line) => amount(line * step));
  const left = margin + (Math.max(...labels.map((label) => label.length)) + 1) * letterWidth;
  const bottom = top + plotHeight;
  for (const [line, label] of labels.entries()) {
    const y = bottom - (line * plotHeight) / gridLines;
    canvas.fill(left, y - 1, width - margin - left, 2, line === 0 ? quiet : grid);
    canvas.text(left - letterWidth / 2, y - textHeight / 2 + 4, label, { colour: quiet, end: true });
  }
  const slot = (width - margin - left) / Math.max(1, days.length);
  for (const day of days.keys()) {
    let y = bottom - 1;
    for (const [at, { values }] of series.entries()) {
      const value = values[day] ?? 0;
      // Whatever has cost anything can be seen.
      const high = value <= 0 ? 0 : Math.max(2, (value / (step * gridLines)) * plotHeight);
      y -= high;
      canvas.fill(left + day * slot + slot * 0.12, y, slot * 0.76, high, colours[at] ?? ink);
    }
  }
  drawDays(canvas, days, left, slot, bottom);
}

/** As many as have room, the newest among them. */
function drawDays(canvas: Canvas, days: readonly string[], left: number, slot: number, bottom: number): void {
  const widest = Math.max(...days.map((day) => day.length), 1) * letterWidth;
  // The newest one stands further to the left than its bar.
  const every = Math.max(1, Math.ceil((1.5 * widest + letterWidth / 2) / slot));
  for (const [at, day] of days.entries()) {
    if ((days.length - 1 - at) % every !== 0) continue;
    const right = Math.min(left + (at + 0.5) * slot + widest / 2, width - margin);
    if (right - widest >= left - slot) canvas.text(right, bottom + 16, day, { colour: quiet, end: true });
    canvas.fill(left + (at + 0.5) * slot - 1, bottom, 2, 10, quiet);
  }
}

/** The distance of the axis' lines: the smallest round one that has room for this. */
function stepFor(most: number): number {
  const least = most / gridLines;
  if (!(least > 0)) return 0.25;
  const power = 10 ** Math.floor(Math.log10(least));
  const round = [1, 2, 2.5, 5, 10].find((digit) => digit * power >= least * (1 - 1e-9)) ?? 10;
  return round * power;
}

/** Cut in its middle where it is too long: names of models differ at both ends. */
function fitted(words: string, pixels: number): string {
  const letters = [...words];
  const most = Math.max(3, Math.floor(pixels / letterWidth));
  if (letters.length <= most) return words;
  const head = Math.ceil((most - 2) / 2);
  return [...letters.slice(0, head), "..", ...letters.slice(letters.length - (most - 2 - head))].join("");
}
