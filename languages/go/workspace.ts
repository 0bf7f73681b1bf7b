/** The user's own go.work and vendor/, as far as the workspace around the function has to say the same. */
import { posix } from 'node:path';
import { invalidManifest } from '#languages/invalid-manifest.ts';
import { PermanentError } from '#shared/events/errors.ts';
import type { SourceReader } from '#shared/packing/source-reader.ts';
import { type GoMod, newerGo, parseGoMod } from './go-mod.ts';
import { statementsOf, unquoted } from './go-statements.ts';

export interface Module extends GoMod {
  /** Relative; empty for the top. */
  folder: string;
}

export interface GoWorkspace {
  /** The module at the top first. */
  modules: Module[];
  /** The newest `go` line of all; undefined where none has one. */
  go: string | undefined;
  /**
   * Lines of go.work that ours must have: `toolchain`, `godebug`, `replace`, with paths as seen from
   * `.knative-lambda/`.
   */
  lines: string[];
  /** Modules of vendor/. */
  vendored: Vendored[];
}

export interface Vendored {
  path: string;
  version: string;
  go: string;
}

const WORK = 'go.work';
const DIRECTIVES = ['go', 'toolchain', 'godebug', 'use', 'replace'];

/** Throws PermanentError InvalidManifest. */
export async function goWorkspace(source: SourceReader): Promise<GoWorkspace> {
  const top = { ...parseGoMod(await goModText(source)), folder: '' };
  const work = await source.text(WORK);
  const folders = new Set<string>();
  const lines: string[] = [];
  let go: string | undefined;
  for (const statement of statementsOf(work ?? '', WORK, DIRECTIVES)) {
    const { directive, words, line } = statement;
    if (directive === 'use') {
      folders.add(usedFolder(source, unquoted(words[0] ?? ''), line));
    } else if (directive === 'go') {
      go = unquoted(words[0] ?? '');
    } else {
      lines.push(
        `${directive} ${words.map((word) => (directive === 'replace' ? asSeenFromOurs(word) : word)).join(' ')}`,
      );
    }
  }
  const modules: Module[] = [top];
  for (const folder of folders) {
    if (folder !== '') {
      const file = `${folder}/go.mod`;
      modules.push({ ...parseGoMod((await source.text(file)) ?? '', file), folder });
    }
  }
  const versions = [go, ...modules.map((module) => module.go)].filter((version) => version !== undefined);
  return {
    modules,
    go: versions.length === 0 ? undefined : versions.reduce(newerGo),
    lines,
    vendored: await vendoredModules(source, modules),
  };
}

async function goModText(source: SourceReader): Promise<string> {
  const text = await source.text('go.mod');
  if (text === undefined) {
    throw new PermanentError(
      'InvalidManifest',
      `there is no ${source.has('go.mod') ? 'readable ' : ''}go.mod at the top of the prefix: make one with \`go mod init example.com/parser && go mod tidy\`, then send build.start again`,
    );
  }
  return text;
}

function usedFolder(source: SourceReader, path: string, line: number): string {
  const folder = posix.join(path).replace(/\/$/, '');
  if (folder === '.') {
    return '';
  }
  if (posix.isAbsolute(folder) || folder.startsWith('..')) {
    throw invalidManifest(
      WORK,
      { line },
      `uses ${JSON.stringify(path)}, which is outside of what is uploaded. Upload that module with the function, in a folder of it`,
    );
  }
  if (!source.has(`${folder}/go.mod`)) {
    throw invalidManifest(
      WORK,
      { line },
      `uses ${JSON.stringify(path)}, which has no go.mod. Upload it, or leave the line out`,
    );
  }
  return folder;
}

/** Our workspace lies in a folder of the user's. */
function asSeenFromOurs(word: string): string {
  const path = unquoted(word);
  return /^\.{1,2}\//.test(path) ? posix.join('..', path) : word;
}

/**
 * `vendor/modules.txt` says of which modules the packages in vendor/ are. Where go.mod says otherwise the go tool
 * refuses to build, and so do we: the module would come from elsewhere.
 */
async function vendoredModules(source: SourceReader, modules: Module[]): Promise<Vendored[]> {
  const file = 'vendor/modules.txt';
  const text = await source.text(file);
  if (text === undefined) {
    return [];
  }
  const found = new Map<string, Vendored>();
  let last: Vendored | undefined;
  let packages = false;
  for (const line of text.split(/\r?\n/)) {
    const [, path, version] = /^# (\S+) (v\S+)(?: => .*)?$/.exec(line) ?? [];
    if (path !== undefined && version !== undefined) {
      checkVendored(path, version);
      last = { path, version, go: '1.16' };
      packages = false;
    } else if (last !== undefined && line.startsWith('## ')) {
      last.go = /\bgo (\d+\.\d+(?:\.\d+)?)/.exec(line)?.[1] ?? last.go;
    } else if (last !== undefined && !packages && /^[^#\s]/.test(line)) {
      packages = true;
      found.set(last.path, last);
    }
  }
  const listed = new Map([...text.matchAll(/^# (\S+) (v\S+)/gm)].map(([, path, version]) => [path, version]));
  for (const { requires } of modules.slice(0, 1)) {
    for (const { path, version, line } of requires) {
      if (listed.has(path) && listed.get(path) !== version) {
        throw invalidManifest(
          'go.mod',
          { line },
          `requires ${path} ${version}, and ${file} has ${listed.get(path)}. Run \`go mod vendor\`, or leave vendor/ out`,
        );
      }
    }
  }
  return [...found.values()];
}

/** Both come into go.work and into the name of a file. */
function checkVendored(path: string, version: string): void {
  if (!/^[\w.~-]+(?:\/[\w.~-]+)*$/.test(path) || /(?:^|\/)\.\.?(?:\/|$)/.test(path) || !/^v[\w.+-]+$/.test(version)) {
    throw invalidManifest(
      'vendor/modules.txt',
      undefined,
      `has ${JSON.stringify(`${path} ${version}`.slice(0, 100))}, which is no module. Run \`go mod vendor\``,
    );
  }
}
