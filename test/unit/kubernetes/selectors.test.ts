/** Label and field selectors. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseFieldSelector } from '#local/kubernetes/field-selector.ts';
import { parseLabelSelector } from '#local/kubernetes/label-selector.ts';
import { caught, pod } from './objects.ts';

describe('label selector', () => {
  const labels = { app: 'web', tier: 'front', 'example.com/role': 'a', empty: '', size: '5' };

  test.each([
    { selector: '', matches: true },
    { selector: 'app=web', matches: true },
    { selector: 'app==web', matches: true },
    { selector: 'app=api', matches: false },
    { selector: 'app!=api', matches: true },
    { selector: 'app!=web', matches: false },
    { selector: 'absent!=x', matches: true },
    { selector: 'absent=', matches: false },
    { selector: 'empty=', matches: true },
    { selector: 'app', matches: true },
    { selector: 'absent', matches: false },
    { selector: '!absent', matches: true },
    { selector: '!app', matches: false },
    { selector: 'app in (web,api)', matches: true },
    { selector: 'app in (api)', matches: false },
    { selector: 'app notin (api)', matches: true },
    { selector: 'app notin (web, api)', matches: false },
    { selector: 'absent notin (web)', matches: true },
    { selector: 'app in (web),tier=front,!absent', matches: true },
    { selector: 'app in (web),tier=back', matches: false },
    { selector: ' app = web , tier in ( front ) ', matches: true },
    { selector: 'example.com/role=a', matches: true },
    { selector: 'toString', matches: false },
  ])('$selector → $matches', ({ selector, matches }) => {
    expect(parseLabelSelector(selector)(labels)).toBe(matches);
  });

  test.each(['app in web', 'app in (web', '=x', 'a=b=c', 'a b', 'app=w*b', 'a~b'])('refuses %j', (selector) => {
    expect(caught(() => parseLabelSelector(selector))).toMatchObject({ code: 400, reason: 'BadRequest' });
  });

  const name = fc.stringMatching(/^[a-z]{1,3}$/);
  test('in and notin divide everything; so do = and !=', () => {
    fc.assert(
      fc.property(name, fc.array(name, { minLength: 1 }), fc.dictionary(name, name), (key, values, given) => {
        const list = values.join(',');
        expect(parseLabelSelector(`${key} in (${list})`)(given)).toBe(
          !parseLabelSelector(`${key} notin (${list})`)(given),
        );
        expect(parseLabelSelector(`${key}=${values[0]}`)(given)).toBe(
          !parseLabelSelector(`${key}!=${values[0]}`)(given),
        );
        expect(parseLabelSelector(key)(given)).toBe(!parseLabelSelector(`!${key}`)(given));
      }),
    );
  });
});

describe('field selector', () => {
  const object = { ...pod('p', {}, { nodeName: 'node', count: 3, flag: true }), status: { phase: 'Running' } };

  test.each([
    { selector: 'metadata.name=p', matches: true },
    { selector: 'metadata.name=q', matches: false },
    { selector: 'metadata.namespace=team,status.phase!=Failed', matches: true },
    { selector: 'status.phase==Running', matches: true },
    { selector: 'spec.nodeName=', matches: false },
    { selector: 'spec.absent=', matches: true },
    { selector: 'spec.count=3', matches: true },
    { selector: 'spec.flag=true', matches: true },
    { selector: 'metadata.name=a\\,b', matches: false },
    { selector: 'metadata.name.length=1', matches: false },
  ])('$selector → $matches', ({ selector, matches }) => {
    expect(parseFieldSelector(selector)(object)).toBe(matches);
  });

  test('refuses what it cannot read', () => {
    expect(caught(() => parseFieldSelector('metadata.name'))).toMatchObject({ code: 400 });
  });
});
