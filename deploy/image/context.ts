/** The build context of our image. Like the engines we read it from .dockerignore. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { writeTarEntry, writeTarFolder } from '#shared/packing/tar-entry.ts';

/** The files and folders that .dockerignore lets through, and the two files that engines always read. */
export function contextPaths(root: string): string[] {
  return ['Dockerfile', '.dockerignore', ...rules(root).taken];
}

/** Every file of the context, sorted. */
export function contextFiles(root: string): string[] {
  const { litter } = rules(root);
  const walk = (path: string): string[] =>
    statSync(join(root, path)).isDirectory()
      ? readdirSync(join(root, path))
          .filter((name) => !litter.has(name))
          .flatMap((name) => walk(`${path}/${name}`))
      : [path];
  return contextPaths(root).flatMap(walk).sort();
}

// .dockerignore uses two patterns: `!path` is taken, `**/name` is left out at any depth.
function rules(root: string): { taken: string[]; litter: Set<string> } {
  const lines = readFileSync(join(root, '.dockerignore'), 'utf8')
    .split('\n')
    .map((line) => line.trim());
  return {
    taken: lines.filter((line) => line.startsWith('!')).map((line) => line.slice(1)),
    litter: new Set(lines.filter((line) => line.startsWith('**/')).map((line) => line.slice(3))),
  };
}

/** The context as tar.gz. The same sources give the same bytes. */
export async function contextArchive(root: string): Promise<Buffer> {
  const tar = pack();
  const writing = writeEntries(tar, root);
  const chunks: Buffer[] = [];
  for await (const chunk of tar.pipe(createGzip())) {
    chunks.push(chunk as Buffer);
  }
  await writing;
  return Buffer.concat(chunks);
}

async function writeEntries(tar: ReturnType<typeof pack>, root: string): Promise<void> {
  // As in the context of a function: Kaniko gives this mode to the image's folder.
  writeTarFolder(tar, './');
  for (const path of contextFiles(root)) {
    const content = readFileSync(join(root, path));
    await writeTarEntry(tar, { path, size: content.length }, [content]);
  }
  tar.finalize();
}
