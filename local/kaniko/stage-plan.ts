/** A stage, resolved: what each of its instructions will do, and the key under which the result is kept. */
import type { StageConfig } from './stage-config.ts';

export interface Step {
  /** The instruction as it was written, for the log. */
  text: string;
  /** Of everything up to here; the same key, the same root file system. */
  key: string;
  /** Undefined for what only changes the configuration. */
  run: ((rootfs: string) => Promise<void>) | undefined;
  /** Its result is worth keeping. */
  cached: boolean;
}

export type StageStart =
  | { kind: 'empty' }
  | { kind: 'stage'; stage: StagePlan }
  /** An image that was built on this platform. */
  | { kind: 'folder'; rootfs: string };

export interface StagePlan {
  name: string | undefined;
  start: StageStart;
  steps: Step[];
  /** As at its end. */
  config: StageConfig;
  key: string;
}
