/** Durations, defaults and waits, as the Broker's controller and the SDK have them. */
import { describe, expect, test } from 'vitest';
import { backoff, deliverySettings, isRetryable } from '#shared/manifests/delivery-settings.ts';
import { periodMilliseconds } from '#shared/manifests/period.ts';

describe('periodMilliseconds', () => {
  test.each([
    ['PT1S', 1000],
    ['PT0.2S', 200],
    ['PT0.25S', 200],
    ['PT0.05S', 0],
    ['PT0S', 0],
    ['PT5M10S', 310_000],
    ['PT1H', 3_600_000],
    ['PT1.59M', 90_000],
    ['P1D', 86_400_000],
    ['P1W', 604_800_000],
    ['P1DT1S', 86_401_000],
    ['1s', 0],
    ['P', 0],
    ['PT', 0],
    ['PT1X', 0],
    ['', 0],
  ])('%s is %d ms', (text, expected) => {
    expect(periodMilliseconds(text)).toBe(expected);
  });
});

describe('deliverySettings', () => {
  test.each([
    {
      case: 'none at all',
      delivery: undefined,
      expected: { retries: 0, backoffPolicy: 'exponential', backoffDelay: 50, timeout: 0 },
    },
    {
      case: 'an empty one',
      delivery: {},
      expected: { retries: 5, backoffPolicy: 'exponential', backoffDelay: 50, timeout: 0 },
    },
    {
      case: 'no retries',
      delivery: { retry: 0 },
      expected: { retries: 0, backoffPolicy: 'exponential', backoffDelay: 50, timeout: 0 },
    },
    {
      case: 'everything',
      delivery: { retry: 3, backoffPolicy: 'linear' as const, backoffDelay: 'PT2S', timeout: 'PT1M' },
      expected: { retries: 3, backoffPolicy: 'linear', backoffDelay: 2000, timeout: 60_000 },
    },
  ])('of $case', ({ delivery, expected }) => {
    expect(deliverySettings(delivery)).toEqual(expected);
  });
});

test('the first exponential wait is twice the delay, the first linear one is the delay', () => {
  const common = { retries: 5, backoffDelay: 1000, timeout: 0 };

  expect([1, 2, 3, 4, 5].map((n) => backoff({ ...common, backoffPolicy: 'exponential' }, n))).toEqual([
    2000, 4000, 8000, 16_000, 32_000,
  ]);
  expect([1, 2, 3].map((n) => backoff({ ...common, backoffPolicy: 'linear' }, n))).toEqual([1000, 2000, 3000]);
});

test('no answer, 404, 408, 409, 429 and from 500 on are worth a retry; everything else is success', () => {
  const statuses = [-1, ...Array.from({ length: 500 }, (_, index) => index + 100)];

  expect(statuses.filter((status) => isRetryable(status) && status < 500)).toEqual([-1, 404, 408, 409, 429]);
  expect(statuses.filter((status) => !isRetryable(status) && status >= 500)).toEqual([]);
});
