/** A time-out comes though garbage is collected, and nobody listens. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { anySignal } from '#cli/kn-lambda/any-signal.ts';

const MODULE = new URL('../../../../cli/kn-lambda/any-signal.ts', import.meta.url).href;

test('a time-out survives the collection of garbage', async () => {
  const program = `
    const { anySignal } = await import(${JSON.stringify(MODULE)});
    const signal = anySignal([new AbortController().signal], 300);
    for (let n = 0; n < 12 && !signal.aborted; n += 1) {
      gc();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    console.log(signal.aborted, signal.reason?.name);
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', '--input-type=module', '-e', program]);
  expect(stdout.trim()).toBe('true TimeoutError');
});

test('the first of the signals counts, with its reason, also where it was aborted before', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const signal = anySignal([one.signal, other.signal]);
  expect(signal.aborted).toBe(false);
  other.abort('enough');
  one.abort('late');
  expect(signal.reason).toBe('enough');
  expect(anySignal([other.signal]).reason).toBe('enough');
});
