/** What the registry keeps, on disk: blobs by digest, and for each repository which of them it has. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { parseImageReference } from '#local/kubelet/image-reference.ts';
import type { Descriptor } from './oci-image.ts';

export interface StoredManifest {
  digest: string;
  mediaType: string;
  content: Buffer;
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** As in distribution. Also shorter than a name that a file system takes. */
const LONGEST_NAME = 255;

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}

export function isTag(text: string): boolean {
  return TAG.test(text);
}

/** `host[:port]/path`. Its parts never begin with a dot or an underscore, so that it may be a path of folders. */
export function isRepository(name: string): boolean {
  return name.length <= LONGEST_NAME && parseImageReference(name)?.repository === name;
}

export function digestOf(content: Buffer | string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

/**
 * `<directory>/registry/`: `blobs/sha256/<hex>`; for each repository `repositories/<name>/_blobs/<hex>`,
 * `_manifests/<hex>` with the media type, and `_tags/<tag>` with a digest; `uploads/` for what is being written.
 *
 * Several processes write at once: Kaniko's stand-in is one of its own. Each file appears by a rename, whole, and a
 * blob is there before anything that names it.
 */
export class ContentStore {
  readonly #root: string;

  /** `directory` is the platform's. */
  constructor(directory: string) {
    this.#root = join(resolve(directory), 'registry');
  }

  /** What a former process did not finish. Not while another one writes. */
  removeUploads(): void {
    rmSync(join(this.#root, 'uploads'), { recursive: true, force: true });
  }

  /** For a new file that becomes a blob by addBlob(). */
  newFile(): string {
    const folder = join(this.#root, 'uploads');
    mkdirSync(folder, { recursive: true });
    return join(folder, randomUUID());
  }

  /** Where the content of a digest is, there or not. */
  path(digest: string): string {
    return join(this.#root, 'blobs', digest.replace(':', '/'));
  }

  /** Takes the file away. Its digest is the caller's word. */
  addBlob(repository: string, digest: string, file: string): void {
    const path = this.path(digest);
    mkdirSync(dirname(path), { recursive: true });
    renameSync(file, path);
    this.link(repository, digest);
  }

  writeBlob(repository: string, mediaType: string, content: Buffer): Descriptor {
    const digest = digestOf(content);
    if (!this.hasBlob(repository, digest)) {
      const file = this.newFile();
      writeFileSync(file, content);
      this.addBlob(repository, digest, file);
    }
    return { mediaType, digest, size: content.length };
  }

  /** Makes a blob one of the repository, where the registry still has it. */
  adopt(repository: string, { digest, size }: Descriptor): boolean {
    const isThere = statSync(this.path(digest), { throwIfNoEntry: false })?.size === size;
    if (isThere) {
      this.link(repository, digest);
    }
    return isThere;
  }

  /** Makes a blob that is there one of the repository too. */
  link(repository: string, digest: string): void {
    this.#write(join(this.#folder(repository, '_blobs'), hexOf(digest)), '');
  }

  /** Bytes; undefined where the repository does not have it. */
  blobSize(repository: string, digest: string): number | undefined {
    return this.hasBlob(repository, digest) ? statSync(this.path(digest), { throwIfNoEntry: false })?.size : undefined;
  }

  hasBlob(repository: string, digest: string): boolean {
    return existsSync(join(this.#folder(repository, '_blobs'), hexOf(digest))) && existsSync(this.path(digest));
  }

  readBlob(digest: string): Buffer {
    return readFileSync(this.path(digest));
  }

  /** Checks nothing: check-manifest.ts does. The digest. */
  putManifest(repository: string, mediaType: string, content: Buffer, tag?: string): string {
    const digest = digestOf(content);
    const path = this.path(digest);
    if (!existsSync(path)) {
      mkdirSync(dirname(path), { recursive: true });
      this.#write(path, content);
    }
    this.#write(join(this.#folder(repository, '_manifests'), hexOf(digest)), mediaType);
    if (tag !== undefined) {
      this.#write(join(this.#folder(repository, '_tags'), tag), digest);
    }
    return digest;
  }

  /** By tag or digest. */
  manifest(repository: string, reference: string): StoredManifest | undefined {
    const digest = isDigest(reference) ? reference : this.#read(repository, '_tags', reference);
    const mediaType = digest && this.#read(repository, '_manifests', hexOf(digest));
    if (!digest || !mediaType) {
      return undefined;
    }
    try {
      return { digest, mediaType, content: readFileSync(this.path(digest)) };
    } catch {
      return undefined;
    }
  }

  tags(repository: string): string[] {
    return list(this.#folder(repository, '_tags')).sort();
  }

  /** Those of a host, without it. */
  repositories(host: string): string[] {
    const found: string[] = [];
    const walk = (path: string): void => {
      const names = list(join(this.#root, 'repositories', host, path));
      if (names.includes('_manifests')) {
        found.push(path);
      }
      for (const name of names.filter((one) => !one.startsWith('_'))) {
        walk(path === '' ? name : `${path}/${name}`);
      }
    };
    walk('');
    return found.sort();
  }

  #folder(repository: string, kind: string): string {
    return join(this.#root, 'repositories', repository, kind);
  }

  #read(repository: string, kind: string, name: string): string | undefined {
    try {
      return readFileSync(join(this.#folder(repository, kind), name), 'utf8');
    } catch {
      return undefined;
    }
  }

  #write(path: string, content: string | Buffer): void {
    const file = this.newFile();
    writeFileSync(file, content);
    mkdirSync(dirname(path), { recursive: true });
    renameSync(file, path);
  }
}

function hexOf(digest: string): string {
  return digest.replace('sha256:', '');
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith('.'));
  } catch {
    return [];
  }
}
