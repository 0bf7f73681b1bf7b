/** A long list of which only the rows on the screen exist. They all have one height, which the styles must keep to. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

interface WindowedProps<Item> {
  items: readonly Item[];
  rowHeight: number;
  keyOf: (item: Item) => string;
  /** Called when the last rows come near. */
  onNearEnd?: () => void;
  children: (item: Item, index: number) => ComponentChildren;
}

/** Rows beyond each edge: so many can be gone through by the keyboard before others must be made. */
const BEYOND = 10;
const NEAR_END = 40;

export function Windowed<Item>({ items, rowHeight, keyOf, onNearEnd, children }: WindowedProps<Item>) {
  const box = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, last: 40 });
  const nearEnd = useRef(onNearEnd);
  nearEnd.current = onNearEnd;

  useEffect(() => {
    let frame = 0;
    const look = () => {
      frame = 0;
      const top = box.current?.getBoundingClientRect().top ?? 0;
      const first = Math.max(0, Math.floor(-top / rowHeight) - BEYOND);
      const last = Math.min(items.length, Math.ceil((innerHeight - top) / rowHeight) + BEYOND);
      setRange((former) => (former.first === first && former.last === last ? former : { first, last }));
      if (last > items.length - NEAR_END) {
        nearEnd.current?.();
      }
    };
    const soon = () => {
      frame ||= requestAnimationFrame(look);
    };
    look();
    addEventListener('scroll', soon, { passive: true });
    addEventListener('resize', soon);
    return () => {
      cancelAnimationFrame(frame);
      removeEventListener('scroll', soon);
      removeEventListener('resize', soon);
    };
  }, [items.length, rowHeight]);

  return (
    <div ref={box} class="windowed" role="rowgroup" style={{ height: `${items.length * rowHeight}px` }}>
      {items.slice(range.first, range.last).map((item, index) => {
        const at = range.first + index;
        return (
          <div
            key={keyOf(item)}
            class="row"
            role="row"
            // The first row is that of the headers.
            aria-rowindex={at + 2}
            style={{ height: `${rowHeight}px`, transform: `translateY(${at * rowHeight}px)` }}
          >
            {children(item, at)}
          </div>
        );
      })}
    </div>
  );
}
