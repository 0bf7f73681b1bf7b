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

/**
 * How a change of the code becomes an image without a build: where the code is only copied, as one layer on what lies
 * below it.
 */
export interface CodeLayerPlan {
  /** Ours that go with the code; the others lie below it, or are for the build alone. */
  files: readonly GeneratedFile[];
  below: BelowCode;
}

export type BelowCode =
  /** The base image and files of ours, where nothing is installed. `config` is what the Dockerfile says besides. */
  | { kind: 'base'; image: string; files: readonly GeneratedFile[]; config: RunConfig }
  /** What a build has installed. It reads no other files of the user's. */
  | { kind: 'installed'; reads: readonly string[] };

/** Of the image's config, with its names. */
export interface RunConfig {
  User: string;
  WorkingDir: string;
  /** `NAME=value`: they replace the base image's of the same name. */
  Env: readonly string[];
  Cmd: readonly string[];
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

interface Prepared {
  language: Language;
  /** 64 hex digits. The archive, the Job and the image tag are named after it. */
  buildKey: string;
  /** 64 hex digits: of what lies below the code, where a later change of the code can be put on it. */
  dependencies?: string | undefined;
  /** The listing that was packed: a later one than was given, where the source has changed since. */
  listing: SourceListing;
  /** Of that listing. */
  fingerprint: string;
}

/** For a Job. */
export interface PackedBuild extends Prepared {
  context: { bucket: string; key: string; bytes: number };
}

/** No Job is needed. */
export interface AssembledBuild extends Prepared {
  /** By digest. */
  image: string;
  /** Of the layers that were added, compressed. */
  bytes: number;
}

export type PreparedBuild = PackedBuild | AssembledBuild;
