/** The stand-in as its container runs it: a process with flags, on a folder of its own. */
import { spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { pack } from 'tar-stream';
import { type Image, ImageStore } from '#local/kubelet/images.ts';

const MAIN = join(import.meta.dirname, '../../../local/kaniko/main.ts');

export interface Entry {
  type?: 'file' | 'directory' | 'symlink' | 'link' | 'character-device';
  content?: string;
  link?: string;
  mode?: number;
}

export interface Outcome {
  exitCode: number;
  output: string;
  digest: string;
}

export class Kaniko {
  readonly directory = mkdtempSync(join(tmpdir(), 'kaniko-'));
  readonly images = new ImageStore(this.directory);
  #count = 0;

  /** Paths to contents, or to what else is in the archive. */
  async archive(files: Record<string, string | Entry>): Promise<string> {
    const path = join(this.directory, `context-${this.#count++}.tar.gz`);
    const archive = pack();
    for (const [name, file] of Object.entries(files)) {
      const entry: Entry = typeof file === 'string' ? { content: file } : file;
      const { type = 'file', content = '', link, mode = 0o644 } = entry;
      const header = { name, type, mode, mtime: new Date(0), ...(link === undefined ? {} : { linkname: link }) };
      archive.entry(header, type === 'file' ? content : '');
    }
    archive.finalize();
    await pipeline(archive, createGzip(), createWriteStream(path));
    return path;
  }

  async build(
    files: Record<string, string | Entry>,
    flags: string[] = [],
    env: Record<string, string> = {},
  ): Promise<Outcome> {
    const context = await this.archive(files);
    return await this.run(
      [
        `--context=tar://${context}`,
        '--destination=registry.test/a/parser:1',
        '--cache=true',
        '--cache-repo=registry.test/a/cache',
        ...flags,
      ],
      env,
    );
  }

  async run(flags: string[], env: Record<string, string> = {}): Promise<Outcome> {
    const digestFile = join(this.directory, `digest-${this.#count++}`);
    const child = spawn(process.execPath, [MAIN, `--digest-file=${digestFile}`, ...flags], {
      // As Kaniko does, it looks for the Dockerfile in its own folder first.
      cwd: this.directory,
      env: { ...process.env, KNATIVE_LAMBDA_DIRECTORY: this.directory, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data));
    child.stderr.on('data', (data: Buffer) => (output += data));
    const exitCode = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
    return { exitCode, output, digest: exitCode === 0 ? readFileSync(digestFile, 'utf8') : '' };
  }

  async image(reference = 'registry.test/a/parser:1'): Promise<Image> {
    const image = await this.images.resolve(reference);
    if (image === undefined) {
      throw new Error(`no image ${reference}`);
    }
    return image;
  }

  /** A file of the image. */
  async read(path: string, reference?: string): Promise<string> {
    return readFileSync(join((await this.image(reference)).rootfs, path), 'utf8');
  }

  folder(name: string): string {
    const path = join(this.directory, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  close(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
