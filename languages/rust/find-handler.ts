/**
 * Finds the function that will be called before anything is compiled; or says what was looked for and what is there
 * instead.
 */
import { posix } from 'node:path';
import { maskSource } from '#languages/mask-source.ts';
import { splitHandler } from '#languages/module-paths.ts';
import { bounded } from '#shared/bounded-text.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import type { CargoManifest } from './cargo-toml.ts';
import { rustSyntax } from './syntax.ts';

/** A message quotes the source, where a name can be as long as its file. */
const MESSAGE_LENGTH = 2000;
const SHOWN = 300;

const SIGNATURE = '(event: cloudevents::Event) -> Result<serde_json::Value, Box<dyn std::error::Error>>';

export interface RustHandler {
  /** Within the user's crate, such as `parser::handle`. */
  path: string;
  /** Its file and line, and how it is written; undefined where another file has it. */
  declaration?: string;
}

/** Throws PermanentError HandlerNotFound. */
export async function findRustHandler(
  source: SourceReader,
  manifest: CargoManifest,
  requested: string | undefined,
): Promise<RustHandler> {
  const { library } = manifest;
  if (!source.has(library)) {
    throw notFound(
      manifest.hasPrograms
        ? manifest.dependencies['lambda_runtime'] !== undefined
          ? `Cargo.toml has a program for AWS Lambda (lambda_runtime), whose event is the data alone. The platform has its own main, and the data is event.data(): move the code to ${library}, without main, and export \`pub async fn handle${SIGNATURE}\` there`
          : `Cargo.toml has a program but no library, and the platform has its own main. Move the code to ${library} and export \`pub async fn handle${SIGNATURE}\` there`
        : `there is no ${library}, the package's library. Add it, with \`pub async fn handle${SIGNATURE}\``,
    );
  }
  const { module, name } = requested === undefined ? { module: '', name: 'handle' } : splitHandler(requested);
  const modules = module.split(/[./]/).filter((part) => part !== '');
  const segments = modules[0] === 'src' ? modules.slice(1) : modules;
  if (segments.join('/') === posix.basename(library, '.rs')) {
    segments.pop();
  }
  const odd = [...segments, name].find((word) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(word));
  if (odd !== undefined) {
    throw notFound(
      `parameters.handler names ${JSON.stringify(odd)}, which is no name in Rust. Write "module.function"`,
    );
  }
  const declaration = await checkModule(source, await moduleFile(source, library, segments), name);
  const path = [...segments, name].join('::');
  return declaration === undefined ? { path } : { path, declaration };
}

/** The file of a module; of one that is written in another's file, that file. */
async function moduleFile(source: SourceReader, library: string, segments: string[]): Promise<string> {
  if (segments.length === 0) {
    return library;
  }
  const base = posix.join(posix.dirname(library), ...segments);
  const paths = [`${base}.rs`, `${base}/mod.rs`];
  const file = paths.find(source.has);
  if (file !== undefined) {
    return file;
  }
  const outer = await moduleFile(source, library, segments.slice(0, -1)).catch(() => library);
  const text = maskSource((await source.text(outer)) ?? '', rustSyntax);
  if (new RegExp(`\\bmod\\s+${segments.at(-1)}\\b`).test(text)) {
    return outer;
  }
  const there = source.paths.filter((path) => path.endsWith('.rs')).slice(0, 10);
  throw notFound(
    `there is no module ${segments.join('::')}: neither ${paths.join(' nor ')} is there, but ${there.join(', ')}. Name the handler as "module.function" in parameters.handler`,
  );
}

async function checkModule(source: SourceReader, file: string, name: string): Promise<string | undefined> {
  const raw = await source.text(file);
  if (raw === undefined) {
    return undefined;
  }
  const text = maskSource(raw, rustSyntax);
  const functions = new Map<string, { isAsync: boolean; parameters: string; at: number }>();
  for (const match of text.matchAll(/\bpub\s+(async\s+)?fn\s+([A-Za-z_][A-Za-z0-9_]*)(?:\s*\(([^)]*))?/g)) {
    const [, async, found = '', parameters = ''] = match;
    functions.set(found, { isAsync: async !== undefined, parameters, at: match.index });
  }
  const own = functions.get(name);
  const place = `${file}:${text.slice(0, own?.at).split('\n').length}`;
  const foreign = /\b(?:LambdaEvent|HttpRequest|HandlerConfig)\b/.exec(own?.parameters ?? '')?.[0];
  if (own !== undefined && foreign !== undefined) {
    const whose =
      foreign === 'LambdaEvent' ? 'as a handler of AWS Lambda, whose event is the data alone' : 'as func calls it';
    throw notFound(
      `${place} ${name} takes a ${foreign}, ${whose}. Here it is called with the event, and the data is event.data(): write \`pub async fn ${name}${SIGNATURE}\``,
    );
  }
  if (own?.isAsync) {
    const [head = ''] = /^[^{;]*/.exec(text.slice(own.at)) ?? [];
    return `${place}: ${bounded(
      raw
        .slice(own.at, own.at + head.length)
        .replaceAll(/\s+/g, ' ')
        .trim(),
      SHOWN,
    )}`;
  }
  if (own !== undefined) {
    throw notFound(`${name} in ${file} is not async: write \`pub async fn ${name}${SIGNATURE}\``);
  }
  if (!isReexported(text, name)) {
    const there = [...functions.keys()].slice(0, 10).join(', ') || 'none';
    throw notFound(
      `there is no public function ${name} in ${file}, which has ${there}. Add \`pub async fn ${name}${SIGNATURE}\`, or name yours in parameters.handler ("module.function")`,
    );
  }
  return undefined;
}

/** `pub use parser::handle;`, `pub use parser::*;`, or a macro that may write anything. */
function isReexported(text: string, name: string): boolean {
  for (const [, tree = ''] of text.matchAll(/\bpub\s+use\s([^;]*)/g)) {
    if (tree.includes('*') || tree.split(/[^A-Za-z0-9_]+/).includes(name)) {
      return true;
    }
  }
  return /^(?!macro_rules!)[a-z_][a-zA-Z0-9_:]*!\s*[({[]/m.test(text);
}

function notFound(message: string): PermanentError {
  return new PermanentError('HandlerNotFound', `${bounded(message, MESSAGE_LENGTH)}. Then send build.start again`);
}
