/** A series of the last hour as lines or bars. What it shows is told in words as well, and in a table. */
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useColours } from './colours.ts';

export interface Line {
  label: string;
  /** One a point of time; null: there is none. */
  values: (number | null)[];
  /** Name of a colour of the styles: `--accent`. */
  colour: string;
  bars?: boolean;
  dashed?: boolean;
}

interface ChartProps {
  title: string;
  /** In a sentence, for whoever does not see the picture. */
  summary: string;
  /** Seconds since the epoch. */
  times: number[];
  lines: Line[];
  textOf: (value: number) => string;
}

const HEIGHT = 150;
/** Of the labels beside it. */
const AXIS = 58;

export function Chart({ title, summary, times, lines, textOf }: ChartProps) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const colours = useColours();
  const data: uPlot.AlignedData = [times, ...lines.map(({ values }) => values)];
  const latest = useRef(data);
  latest.current = data;

  useEffect(() => {
    const element = box.current;
    if (!element) {
      return;
    }
    const chart = new uPlot(optionsOf(element.clientWidth, lines, colours, textOf), latest.current, element);
    plot.current = chart;
    const observer = new ResizeObserver(() => chart.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
      plot.current = undefined;
    };
    // Its shape; new numbers only need to be drawn.
  }, [colours, lines.map(({ label }) => label).join()]);
  useEffect(() => plot.current?.setData(latest.current), [data]);

  return (
    <figure class="chart">
      <figcaption>
        <strong>{title}</strong>
        <span class="quiet">{summary}</span>
      </figcaption>
      {/* Where the pointer is, the numbers stand above; the table below has them for everybody. */}
      <div ref={box} aria-hidden="true" style={{ minHeight: `${HEIGHT}px` }} />
    </figure>
  );
}

function optionsOf(
  width: number,
  lines: readonly Line[],
  colours: (name: string) => string,
  textOf: (value: number) => string,
): uPlot.Options {
  const axis = { stroke: colours('--quiet'), grid: { stroke: colours('--line'), width: 1 }, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    cursor: { y: false, points: { show: false }, drag: { x: false, y: false } },
    legend: { live: true },
    // From 0: what looks like much is much.
    scales: { y: { range: (_, __, max) => [0, Math.max(max * 1.1, 1)] } },
    axes: [
      { ...axis, values: (_, splits) => splits.map(clockOf), grid: { show: false } },
      {
        ...axis,
        size: AXIS,
        values: (_, splits) => splits.map((value) => (Number.isInteger(value) ? textOf(value) : '')),
      },
    ],
    series: [
      { label: 'Time', value: (_, value) => (value === null ? '–' : clockOf(value)) },
      ...lines.map(({ label, colour, bars, dashed }): uPlot.Series => {
        const stroke = colours(colour);
        return {
          label,
          stroke,
          width: bars ? 0 : 2,
          points: { show: false },
          spanGaps: false,
          value: (_, value) => (value === null || value === undefined ? '–' : textOf(value)),
          ...(dashed ? { dash: [5, 4] } : {}),
          ...(bars ? { fill: stroke, paths: uPlot.paths.bars?.({ size: [0.7, 20] }) } : {}),
        } as uPlot.Series;
      }),
    ],
  };
}

function clockOf(seconds: number): string {
  return new Date(seconds * 1000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}
