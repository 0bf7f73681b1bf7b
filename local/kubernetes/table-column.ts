/** One column of a server-side table, and the ones that most kinds share. */

import type { KubeObject } from '#shared/kubernetes/object.ts';
import { ago } from './human-duration.ts';

export interface TableColumn {
  name: string;
  type: 'string' | 'integer' | 'date';
  format: string;
  description: string;
  /** Above 0: only with `-o wide`. */
  priority: number;
  cell: (object: KubeObject, now: number) => string | number;
}

export function column(name: string, cell: TableColumn['cell'], options: Partial<TableColumn> = {}): TableColumn {
  return { name, type: 'string', format: '', description: name, priority: 0, cell, ...options };
}

export function wide(name: string, cell: TableColumn['cell']): TableColumn {
  return column(name, cell, { priority: 1 });
}

export const NAME = column('Name', ({ metadata }) => metadata.name, { format: 'name' });
export const AGE = column('Age', ({ metadata }, now) => ago(metadata.creationTimestamp, now));

/** The value at a path such as `.status.url`, as the columns of a CustomResourceDefinition name it; empty where there is none. */
export function field(name: string, path: string): TableColumn {
  const keys = path.split('.').slice(1);
  return column(name, (object) => {
    let value: unknown = object;
    for (const key of keys) {
      value = (value as Record<string, unknown> | undefined)?.[key];
    }
    return value === undefined || typeof value === 'object' ? '' : String(value);
  });
}

/** The status or the reason of a condition. */
export function condition(name: string, type: string, part: 'status' | 'reason'): TableColumn {
  return column(name, ({ status }) => {
    const conditions = (status?.conditions ?? []) as { type: string; status?: string; reason?: string }[];
    return conditions.find((candidate) => candidate.type === type)?.[part] ?? '';
  });
}

export const READY = condition('Ready', 'Ready', 'status');
export const REASON = condition('Reason', 'Ready', 'reason');
