/** Small sources of user functions, named by their role. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Answers `{ answer, echoed }`. No dependencies, so its build installs nothing. */
export function answering(answer: string): Record<string, string> {
  return {
    'parser.mjs': `export async function handler(event) {\n  return { answer: '${answer}', echoed: event.data };\n}\n`,
  };
}

/** Its build takes `seconds`, so that something can happen meanwhile. */
export function slowToBuild(answer: string, seconds: number): Record<string, string> {
  return {
    ...answering(answer),
    'package.json': JSON.stringify({
      name: 'slow',
      version: '1.0.0',
      scripts: { postinstall: `node -e "setTimeout(() => {}, ${seconds * 1000})"` },
    }),
  };
}

/** The files of one of examples/, but for the event that goes with it. */
export function example(name: string): { files: Record<string, Buffer>; event: unknown } {
  const folder = join(import.meta.dirname, '../../examples', name);
  const files = Object.fromEntries(
    readdirSync(folder, { withFileTypes: true })
      .filter((entry) => entry.isFile() && !['event.json', 'README.md'].includes(entry.name))
      .map((entry) => [entry.name, readFileSync(join(folder, entry.name))]),
  );
  return { files, event: JSON.parse(readFileSync(join(folder, 'event.json'), 'utf8')) };
}
