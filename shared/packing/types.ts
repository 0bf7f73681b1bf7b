/** Types for the source of a build, and for what packing it yields. */
import type { Identity } from '#shared/events/identity.ts';
import type { Language } from '#shared/events/parameters.ts';
import type { BaseImages } from '#shared/settings/base-images.ts';

/** One file of the user's source. */
export interface SourceFile {
  /** Relative to the prefix, `/`-separated, checked to be safe in an archive. */
  path: string;
  key: string;
  /** Bytes. */
  size: number;
  etag: string;
}

/** The files under a prefix of a bucket, as listed at one moment. */
export interface SourceListing {
  bucket: string;
  /** Ends in `/`. */
  prefix: string;
  /** By path, in code unit order. */
  files: SourceFile[];
  /** Of all files together. */
  bytes: number;
  /** By S3's clock. Orders the builds of one parser. */
  observedAt: Date;
}

export interface SourceLimits {
  /** MAX_SOURCE_BYTES. */
  maxBytes: number;
  /** MAX_SOURCE_FILES. */
  maxFiles: number;
}

export interface BuildSettings extends SourceLimits {
  baseImages: BaseImages;
  /** Where context archives go. */
  temporaryBucket: string;
  /** Has a folder for each language: see adaptersDirectory(). */
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
  /**
   * Names the object that the archive is uploaded to until its key is known. Differs at each attempt, since two may run
   * at once.
   */
  stagingId: string;
}

export interface PreparedBuild {
  language: Language;
  /** 64 hex digits. The archive, the Job and the image tag are named after it. */
  buildKey: string;
  context: { bucket: string; key: string; bytes: number };
  /** The listing that was packed: a later one than was given, where the source has changed since. */
  listing: SourceListing;
  /** Of that listing. */
  fingerprint: string;
}
