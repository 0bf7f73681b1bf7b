/** An answer in the form that was asked for: a table or text for people, JSON, YAML, or names for programs. */
import { stringify } from 'yaml';
import type { CommonOptions, Runtime } from '#cli/kn-lambda/session.ts';

export function show<T>(
  value: T,
  { terminal }: Pick<Runtime, 'terminal'>,
  { output }: CommonOptions,
  { text, names }: { text: (value: T) => string; names: (value: T) => string[] },
): void {
  switch (output) {
    case 'json':
      terminal.sayJson(JSON.stringify(value, undefined, 2));
      return;
    case 'yaml':
      terminal.say(stringify(value).trimEnd());
      return;
    case 'name':
      for (const name of names(value)) {
        terminal.say(name);
      }
      return;
    default:
      terminal.say(text(value));
  }
}
