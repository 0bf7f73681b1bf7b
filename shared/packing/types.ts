/** What a build is made from and what preparing it yields: the vocabulary of this folder and of whoever calls it. */
import type { Identity } from '#shared/events/identity.ts';
import type { Language } from '#shared/events/parameters.ts';

/** One file of the user's source. */
export interface SourceFile {
  /** Relative to the prefix, `/`-separated, checked to be safe in an archive. */
  path: string;
  key: string;
  /** Bytes. */
  size: number;
  etag: string;
}

/** A prefix of a bucket, seen at one moment. */
export interface SourceListing {
  bucket: string;
  /** Ends in `/`. */
  prefix: string;
  /** By path, in code unit order. */
  files: SourceFile[];
  /** Of all files together. */
  bytes: number;
  /** By S3's clock: what orders the builds of one parser. */
  observedAt: Date;
}

export interface SourceLimits {
  /** MAX_SOURCE_BYTES, 100 MB where the configuration says nothing else. */
  maxBytes: number;
  /** MAX_SOURCE_FILES, 10 000. */
  maxFiles: number;
}

/** Image references, pinned by configuration. */
export interface BaseImages {
  python: string;
  node: string;
  go: string;
  /** The final stage of what is compiled: no shell, no libc. */
  static: string;
}

export interface BuildSettings extends SourceLimits {
  baseImages: BaseImages;
  /** Where context archives go. */
  temporaryBucket: string;
  /** Folder with `python/`, `node/adapter.mjs` and `go/`: see adaptersDirectory(). */
  adapters: string;
}

/** The parameters of a build.start that change the image. */
export interface BuildRequest {
  language?: Language | undefined;
  handler?: string | undefined;
}

/** A file of ours in the context, under `.knative-lambda/`. */
export interface GeneratedFile {
  path: string;
  content: Buffer;
}

export interface PrepareBuildOptions {
  listing: SourceListing;
  identity: Identity;
  request: BuildRequest;
  settings: BuildSettings;
  /** Names the object that the archive is written to until its key is known. Different at every attempt: two at once must not share it. */
  stagingId: string;
}

export interface PreparedBuild {
  language: Language;
  /** 64 hex: names the archive, the Job and the image tag. */
  buildKey: string;
  context: { bucket: string; key: string; bytes: number };
  /** The listing that was packed: a later one than was given where the source changed meanwhile. */
  listing: SourceListing;
  /** Of that listing. */
  fingerprint: string;
}
