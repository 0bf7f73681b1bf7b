/** Base images for tests and measurements: nothing pulls them. */
import type { BaseImages } from '#shared/settings/base-images.ts';

export const baseImages: BaseImages = {
  python: 'python:3.13-slim',
  node: 'node:24-slim',
  go: 'golang:1.26',
  rust: 'rust:1.95-alpine',
  static: 'gcr.io/distroless/static-debian12',
};
