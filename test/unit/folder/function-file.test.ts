/** function.yaml: every mistake is told, and what was meant. */
import { expect, test } from 'vitest';
import { parseFunctionFile } from '#shared/folder/function-file.ts';

test('what it knows is taken as it is written', () => {
  const text =
    'name: a\nparameters: { env: { anything: x }, secrets: [{ name: s, key: k, env: K }], scaling: { max: 2 } }\n';
  expect(parseFunctionFile(text)).toEqual({
    file: {
      name: 'a',
      parameters: {
        env: { anything: 'x' },
        secrets: [{ name: 's', key: 'k', env: 'K' }],
        scaling: { max: 2 },
      },
    },
  });
});

test.each([
  ['parameters: { timout_seconds: 5 }', '"parameters.timout_seconds"', 'Did you mean parameters.timeout_seconds?'],
  ['parameters: { timeout: 5 }', '"parameters.timeout"', 'Did you mean parameters.timeout_seconds?'],
  ['parameters: { environment: { A: b } }', '"parameters.environment"', 'Did you mean parameters.env?'],
  ['parameters: { scaling: { mx: 5 } }', '"parameters.scaling.mx"', 'Did you mean parameters.scaling.max?'],
  [
    'parameters: { resources: { limits: { memry: 1Gi } } }',
    '"parameters.resources.limits.memry"',
    'Did you mean parameters.resources.limits.memory?',
  ],
  ['timeout_seconds: 5', '"timeout_seconds"', 'Did you mean parameters.timeout_seconds?'],
  ['parameters: { colour: red }', '"parameters.colour"', 'In the place of parameters.colour there may be: language, '],
  ['parameters: { secrets: [{ name: s, key: k, value: v }] }', 'parameters.secrets.0', 'docs/cli.md'],
])('%s', (text, problem, next) => {
  const read = parseFunctionFile(text);
  expect('problem' in read && read.problem).toContain(problem);
  expect('problem' in read && read.next).toContain(next);
});

test('several mistakes are all told', () => {
  const read = parseFunctionFile(
    'nme: a\nparameters: { handlr: a.b, timeout_seconds: 0, scaling: { min: 3, max: 2 } }',
  );
  expect(read).toEqual({
    problem: expect.stringMatching(
      /^: Unrecognized key: "nme"; Unrecognized key: "parameters.handlr"; parameters.scaling.min must not be above max; parameters.timeout_seconds .*$/,
    ),
    next: 'Did you mean name for nme, parameters.handler for parameters.handlr?',
  });
});
