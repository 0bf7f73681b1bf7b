/**
 * Starts the function that FUNCTION names: one image holds them all. `--warm` runs each once instead, to fill the
 * compile cache.
 */
import { readdirSync } from 'node:fs';

// The same file starts functions from the sources and, bundled, from dist/.
const isBundled = !import.meta.url.endsWith('.ts');
const functions = new URL('./functions/', import.meta.url);
const names = readdirSync(functions, { withFileTypes: true })
  .filter((entry) => (isBundled ? entry.name.endsWith('.js') : entry.isDirectory()))
  .map((entry) => entry.name.replace(/\.js$/, ''))
  .sort();

const load = (name: string) => import(new URL(isBundled ? `${name}.js` : `${name}/index.ts`, functions).href);

async function warm(): Promise<void> {
  for (const name of names) {
    await load(name);
  }
  const chunks = new URL('./chunks/', import.meta.url);
  for (const chunk of readdirSync(chunks)) {
    await import(new URL(chunk, chunks).href);
  }
  process.exit(0);
}

const wanted = process.env['FUNCTION'];
if (process.argv.includes('--warm')) {
  await warm();
} else if (wanted !== undefined && names.includes(wanted)) {
  await load(wanted);
} else {
  const problem = wanted
    ? `there is no function ${JSON.stringify(wanted)}`
    : 'the environment variable FUNCTION is not set';
  console.error(`${problem}; set FUNCTION to one of: ${names.join(', ')}`);
  process.exit(1);
}
