import { expect, test } from 'vitest';
import { kanikoPhases } from '#bench/cluster/kaniko-phases.ts';

/** Milliseconds, and what Kaniko says. */
const LOG: [number, string][] = [
  [0, 'Retrieving image manifest base/node:24'],
  [10, 'No cached layer found for cmd RUN npm install || exit 65'],
  [20, 'Unpacking rootfs as cmd COPY requires it.'],
  [3020, 'COPY package.json ./'],
  [3030, 'Taking snapshot of files...'],
  [3040, 'RUN npm install || exit 65'],
  [3040, 'Initializing snapshotter ...'],
  [3640, 'Running: [/bin/sh -c npm install || exit 65]'],
  [4640, 'added 1 package in 1s'],
  [4700, 'Taking snapshot of full filesystem...'],
  [4800, 'RUN node adapter.mjs --check || exit 66'],
  [4810, 'Running: [/bin/sh -c node adapter.mjs --check || exit 66]'],
  [5010, 'Pushing image to registry/fn'],
  [5110, 'Pushed registry/fn@sha256:1'],
];

test('every moment of a build belongs to one phase', () => {
  const lines = LOG.map(([at, message]) => ({ at, text: `time="2026-11-22T22:46:16Z" level=info msg="${message}"` }));
  const phases = kanikoPhases(lines);
  expect(phases).toEqual({ 'base image': 3020, dependencies: 1060, code: 220, snapshots: 710, push: 100 });
  expect(Object.values(phases).reduce((sum, each) => sum + each)).toBe(5110);
});

test('a dependency layer out of the cache counts as dependencies', () => {
  const lines = [
    { at: 0, text: 'Found cached layer, extracting to filesystem' },
    { at: 400, text: 'COPY . .' },
    { at: 410, text: 'Pushed registry/fn@sha256:1' },
  ];
  expect(kanikoPhases(lines)).toMatchObject({ dependencies: 400, code: 10 });
});
