/** A build of the image as the tests of its ways have it, and programs that stand in for docker and kubectl. */
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageBuild } from '#deploy/image/build.ts';
import type { ImageSettings } from '#deploy/image/settings.ts';

export function imageBuild(settings: Partial<ImageSettings> = {}): ImageBuild & { told: string[] } {
  const told: string[] = [];
  return {
    root: join(import.meta.dirname, '../../../..'),
    image: 'registry.example.com/name:abc',
    registry: 'registry.example.com',
    made: { version: '1.2.3', commit: 'abcdef', tag: 'abc' },
    settings: {
      file: '.env.dev',
      BUILD_DEADLINE_SECONDS: 1800,
      BUILD_CPU_REQUEST: '500m',
      BUILD_CPU_LIMIT: '2000m',
      BUILD_MEMORY_REQUEST: '1Gi',
      BUILD_MEMORY_LIMIT: '4Gi',
      ...settings,
    },
    insecure: false,
    signal: new AbortController().signal,
    tell: (line) => told.push(line),
    told,
  };
}

/** A program on the PATH: a shell script that can use $CALLS, where it is to write its arguments, line by line. */
export function install(folder: string, program: string, script: string): void {
  const path = join(folder, program);
  writeFileSync(path, `#!/bin/sh\nCALLS='${folder}/calls'\necho "${program} $*" >> "$CALLS"\n${script}\n`);
  chmodSync(path, 0o755);
}
