/** Puts an example's files where a user's code belongs in S3. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

/** Not the code: what the example is called with, and what its own tools left behind. */
const LEFT_OUT = /(^|\/)(event\.json|README\.md|node_modules|__pycache__|\.git)(\/|$)/;

/** How many files. Throws where S3 refuses one. */
export async function uploadExample(
  folder: string,
  target: { s3Url: string; bucket: string; prefix: string },
): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((file) => !LEFT_OUT.test(file));
  if (files.length === 0) {
    throw new Error(`there is no file to upload in ${folder}`);
  }
  for (const file of files) {
    const key = `${target.prefix}${file}`.split('/').map(encodeURIComponent).join('/');
    const body = await readFile(join(folder, file));
    const answer = await fetch(`${target.s3Url}/${target.bucket}/${key}`, { method: 'PUT', body });
    if (!answer.ok) {
      throw new Error(`S3 refused ${file}: HTTP ${answer.status} ${await answer.text()}`);
    }
  }
  return files.length;
}
