/** Those who ask the same at the same time. */
import { expect, test } from 'vitest';
import { Singleflight } from '#shared/clients/singleflight.ts';

/** Answers when it is told to, with the number of the question. */
function slow() {
  const asked: PromiseWithResolvers<string>[] = [];
  const flight = new Singleflight<string>();
  const ask = (about: string) =>
    flight.ask(about, () => {
      const question = Promise.withResolvers<string>();
      asked.push(question);
      return question.promise.then((answer) => `${about}: ${answer}`);
    });
  return { ask, asked };
}

test('whoever comes while an answer is under way is told the next one, with all who wait for it', async () => {
  const { ask, asked } = slow();
  const first = ask('jobs');
  const others = Array.from({ length: 50 }, () => ask('jobs'));
  asked[0]?.resolve('before');
  expect(await first).toBe('jobs: before');
  await expect.poll(() => asked.length).toBe(2);
  const last = ask('jobs');
  asked[1]?.resolve('after');
  expect(new Set(await Promise.all(others))).toEqual(new Set(['jobs: after']));
  await expect.poll(() => asked.length).toBe(3);
  asked[2]?.resolve('at last');
  expect(await last).toBe('jobs: at last');
  expect(asked).toHaveLength(3);
});

test('other questions do not wait', async () => {
  const { ask, asked } = slow();
  const answers = [ask('jobs'), ask('pods')];
  expect(asked).toHaveLength(2);
  asked[1]?.resolve('1');
  expect(await answers[1]).toBe('pods: 1');
  asked[0]?.resolve('2');
  expect(await answers[0]).toBe('jobs: 2');
});

test('a failure is told to those who asked, and the next ask anew', async () => {
  const { ask, asked } = slow();
  const first = ask('jobs');
  const second = ask('jobs');
  asked[0]?.reject(new Error('down'));
  await expect(first).rejects.toThrow('down');
  await expect.poll(() => asked.length).toBe(2);
  asked[1]?.resolve('up');
  expect(await second).toBe('jobs: up');
  const third = ask('jobs');
  expect(asked).toHaveLength(3);
  asked[2]?.resolve('still');
  expect(await third).toBe('jobs: still');
});
