/** Lines of a log: the last ones stay in sight until the reader scrolls up. Only lines on the screen exist. */
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { Followed } from '#page/api/use-follow.ts';
import { clock, counted } from '#page/format.ts';
import type { LogLine } from '#shared/api/schemas.ts';
import { printableCell } from '#shared/printable.ts';
import { Copy } from './copy.tsx';
import { Failure } from './notices.tsx';

const LINE = 20;
const BEYOND = 20;

interface LogProps {
  label: string;
  log: Followed<LogLine>;
  /** Said where there is no line. */
  empty: string;
}

export function Log({ label, log, empty }: LogProps) {
  const [filter, setFilter] = useState('');
  const needle = filter.toLowerCase();
  const lines = needle === '' ? log.items : log.items.filter(({ text }) => text.toLowerCase().includes(needle));
  const isLive = log.state === 'open';
  return (
    <div class="log">
      <div class="toolbar">
        <input
          type="search"
          aria-label={`Filter ${label}`}
          placeholder="Filter lines"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <span class="quiet grow" aria-live="polite">
          {isLive
            ? 'Live'
            : log.state === 'lost'
              ? 'Connecting again…'
              : log.state === 'connecting'
                ? 'Connecting…'
                : 'Ended'}
          {' · '}
          {counted(lines.length, 'line')}
          {log.dropped > 0 && `, ${counted(log.dropped, 'earlier one')} not kept here`}
        </span>
        <Copy text={lines.map(({ text }) => text).join('\n')} label="Copy all" />
      </div>
      {log.error && <Failure error={log.error} />}
      {lines.length === 0 ? (
        <p class="quiet nothing">
          {filter === '' ? (log.state === 'connecting' ? 'Connecting…' : empty) : 'No line has that.'}
        </p>
      ) : (
        <Lines label={label} lines={lines} />
      )}
    </div>
  );
}

function Lines({ label, lines }: { label: string; lines: readonly LogLine[] }) {
  const box = useRef<HTMLDivElement>(null);
  const isPinned = useRef(true);
  const [range, setRange] = useState({ first: 0, last: 60 });
  const look = () => {
    const { scrollTop = 0, clientHeight = 0, scrollHeight = 0 } = box.current ?? {};
    isPinned.current = scrollTop + clientHeight > scrollHeight - 2 * LINE;
    const first = Math.max(0, Math.floor(scrollTop / LINE) - BEYOND);
    const last = Math.ceil((scrollTop + clientHeight) / LINE) + BEYOND;
    setRange((former) => (former.first === first && former.last === last ? former : { first, last }));
  };
  useLayoutEffect(() => {
    if (box.current && isPinned.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
    look();
  }, [lines.length]);
  useEffect(() => {
    addEventListener('resize', look);
    return () => removeEventListener('resize', look);
  }, []);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it is scrolled by the keyboard.
    <section ref={box} class="lines" aria-label={label} tabIndex={0} onScroll={look}>
      <div style={{ height: `${lines.length * LINE}px` }}>
        {lines.slice(range.first, range.last).map((line, index) => (
          <div
            key={range.first + index}
            class="line"
            style={{ transform: `translateY(${(range.first + index) * LINE}px)` }}
            title={[line.pod, line.container, line.revision].filter(Boolean).join(' · ')}
          >
            <time dateTime={line.time}>{clock(line.time)}</time>
            <span>{printableCell(line.text)}</span>
          </div>
        ))}
      </div>
    </section>
  );
}
