/** A table whose rows are made as they come into sight; on a phone its rows are blocks. */
import type { ComponentChildren } from 'preact';
import { PHONE, useMedia } from './use-now.ts';
import { Windowed } from './windowed.tsx';

export interface Column<Item> {
  title: string;
  /** Names the cell for the styles. */
  name: string;
  cell: (item: Item) => ComponentChildren;
}

interface TableProps<Item> {
  label: string;
  /** Names the grid's columns for the styles. */
  kind: string;
  items: readonly Item[];
  columns: readonly Column<Item>[];
  keyOf: (item: Item) => string;
  rowHeight?: number;
  phoneRowHeight?: number;
  onNearEnd?: () => void;
}

export function Table<Item>(props: TableProps<Item>) {
  const { label, kind, items, columns, keyOf, rowHeight = 52, phoneRowHeight = 76, onNearEnd } = props;
  const isPhone = useMedia(PHONE);
  return (
    <div class={`table ${kind}`} role="table" aria-label={label} aria-rowcount={items.length + 1}>
      <div class="head" role="rowgroup">
        <div class="row" role="row" aria-rowindex={1}>
          {columns.map(({ title, name }) => (
            <span key={name} class={`cell ${name}`} role="columnheader">
              {title}
            </span>
          ))}
        </div>
      </div>
      <Windowed
        items={items}
        rowHeight={isPhone ? phoneRowHeight : rowHeight}
        keyOf={keyOf}
        {...(onNearEnd ? { onNearEnd } : {})}
      >
        {(item) =>
          columns.map(({ name, cell }) => (
            <span key={name} class={`cell ${name}`} role="cell">
              {cell(item)}
            </span>
          ))
        }
      </Windowed>
    </div>
  );
}
