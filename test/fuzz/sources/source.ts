/** A source that somebody might upload, with what must become of it. */
import type { Language } from '#shared/events/parameters.ts';
import type { BuildRequest } from '#shared/packing/types.ts';
import type { Files } from '#test/languages/conformance/sources.ts';
import type { PlanView } from './plan-view.ts';
import type { Random } from './random.ts';

/** Something in a manifest that decides what is installed: the plan heeds it, or a refusal names it. */
export interface Mark {
  name: string;
  /** Matches the message of the refusal. */
  refused: RegExp;
  heeded: (plan: PlanView) => boolean;
}

/** Something that is wrong with the source, and what a message must say of it. */
export interface Fault {
  when: 'before' | 'build' | 'start' | 'call';
  says: RegExp;
}

export interface Source {
  language: Language;
  request: BuildRequest;
  files: Files;
  /** What it is made of, for people. */
  parts: string[];
  marks: Mark[];
  faults: Fault[];
  /** A change of it may have made anything of it: only what holds of every source is asked. */
  loose: boolean;
  /** It takes minutes, or a network, to be built: left out of what is really built by default. */
  slow: boolean;
}

export function emptySource(language: Language): Source {
  return { language, request: {}, files: {}, parts: [], marks: [], faults: [], loose: false, slow: false };
}

/** A part of a source: its name, how often it is taken, and what it adds. */
export interface Part<Context> {
  name: string;
  weight?: number;
  add(source: Source, context: Context, random: Random): void;
}

/** Adds one of them. */
export function addOne<Context>(
  source: Source,
  parts: readonly Part<Context>[],
  context: Context,
  random: Random,
): void {
  const part = random.weighted(parts);
  source.parts.push(part.name);
  part.add(source, context, random);
}
