/** The two images that nobody builds here: the builder's own functions, and Kaniko's stand-in. */
import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { kanikoImage } from '#local/kaniko/kaniko-image.ts';
import type { ImageStore } from '#local/kubelet/images.ts';

/**
 * `root` is the project's folder, `directory` the platform's. The bundle is copied: another `make run`, `make build` or
 * `make test` replaces `dist/`, and functions of this platform that start later would find half of another bundle.
 */
export function registerPlatformImages(
  images: ImageStore,
  { root, directory, config }: { root: string; directory: string; config: Record<string, string> },
): void {
  const bundle = join(root, 'dist');
  if (!existsSync(join(bundle, 'main.js'))) {
    throw new Error(`there is no ${join(bundle, 'main.js')}: bundle the functions first (make build)`);
  }
  const copy = join(directory, 'bundle');
  rmSync(copy, { recursive: true, force: true });
  cpSync(bundle, copy, { recursive: true });
  images.register(config['BUILDER_IMAGE'] ?? '', {
    folders: { '/app': copy },
    workingDir: '/app',
    entrypoint: ['node', 'main.js'],
    env: {
      // As in the Dockerfile.
      NODE_ENV: 'production',
      NODE_OPTIONS: '--max-semi-space-size=1',
      // An image has its cache filled when it is built. Here it fills at the first start, and later ones are as fast.
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
    },
  });
  images.register(config['KANIKO_IMAGE'] ?? '', kanikoImage(directory));
}
