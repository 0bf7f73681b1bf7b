/**
 * The program of the `kaniko` container on the embedded platform: Kaniko's command line, a Dockerfile run in folders.
 *
 * What differs from the real one: nothing is pulled, the machine's node, python3 and go stand in for those of base
 * images; a RUN step sees the machine's files, and only paths that are written out in it are led to the image's folder;
 * users, owners and capabilities do not exist, nor do volumes but two; RUN --mount caches are the machine's;
 * here-documents, ADD of URLs and ONBUILD are refused or without effect. Layers have one fixed time for all files that
 * are no Python, so that the same build gives the same digest.
 */
import { sayError } from '#shared/say.ts';
import { BuildError } from './build-error.ts';
import { createWorkspace, execute } from './execute.ts';
import { parseFlags } from './flags.ts';
import { DOWNLOADS_DIRECTORY, PRIVATE_DIRECTORY } from './kaniko-image.ts';
import { removeTree } from './remove-tree.ts';

const begun = performance.now();

process.exitCode = await main();

async function main(): Promise<number> {
  const { KNATIVE_LAMBDA_DIRECTORY: directory, PATH: path = '/usr/bin:/bin' } = process.env;
  if (directory === undefined) {
    sayError('KNATIVE_LAMBDA_DIRECTORY is not set: this program runs in pods of the embedded platform (make run)');
    return 1;
  }
  const mounts = new Map([
    [PRIVATE_DIRECTORY, process.env['KNATIVE_LAMBDA_PRIVATE'] ?? PRIVATE_DIRECTORY],
    [DOWNLOADS_DIRECTORY, process.env['KNATIVE_LAMBDA_DOWNLOADS'] ?? DOWNLOADS_DIRECTORY],
  ]);
  const workspace = createWorkspace(directory);
  // The pod is deleted: RUN steps get the same signal, being in our process group.
  process.once('SIGTERM', () => {
    removeTree(workspace);
    process.exit(143);
  });
  try {
    await execute({ options: parseFlags(process.argv.slice(2)), directory, workspace, mounts, path, log });
    return 0;
  } catch (error) {
    sayError(`error building image: ${error instanceof Error ? error.message : error}`);
    return error instanceof BuildError ? error.exitCode : 1;
  } finally {
    removeTree(workspace);
  }
}

/** As logrus writes: level, seconds since the start, text. */
function log(line: string): void {
  const [level = 'INFO', ...rest] = line.split(' ');
  const seconds = String(Math.floor((performance.now() - begun) / 1000)).padStart(4, '0');
  sayError(`${level}[${seconds}] ${rest.join(' ')}`);
}
