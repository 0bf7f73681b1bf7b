/** The source of a number: the same on every machine, as long as these files are. */
import { dockerSource } from './docker.ts';
import { goSource } from './go.ts';
import { layouts } from './layouts.ts';
import { nodeSource } from './node.ts';
import { pythonSource } from './python.ts';
import { Random } from './random.ts';
import { rustSource } from './rust.ts';
import { addOne, type Source } from './source.ts';

const LANGUAGES = [
  nodeSource,
  nodeSource,
  nodeSource,
  pythonSource,
  pythonSource,
  pythonSource,
  goSource,
  goSource,
  rustSource,
  dockerSource,
];

export function makeSource(number: number): Source {
  const random = new Random(number);
  const source = random.pick(LANGUAGES)(random);
  for (let count = random.chance(0.3) ? 2 : 1; count > 0; count -= 1) {
    addOne(source, layouts, undefined, random);
  }
  return source;
}

/** For people. */
export function described(number: number, source: Source): string {
  const files = Object.entries(source.files).map(([path, content]) => `--- ${path}\n${content}`);
  return `source ${number}: ${source.language}, ${source.parts.join(', ')} ${JSON.stringify(source.request)}\n${files.join('\n')}`;
}
