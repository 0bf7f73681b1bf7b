/** What Knative Serving refuses in a revision's autoscaling annotations. */
import type { KnativeProblems } from './knative-problems.ts';

const PREFIX = 'autoscaling.knative.dev/';
const KPA = 'kpa.autoscaling.knative.dev';
const HPA = 'hpa.autoscaling.knative.dev';
const SECOND = 1000;
const HOUR = 3600 * SECOND;
const UNITS: Record<string, number> = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: SECOND, m: 60 * SECOND, h: HOUR };
/** The names of before, which Knative still takes. */
const LEGACY: Record<string, string> = {
  'min-scale': 'minScale',
  'max-scale': 'maxScale',
  'initial-scale': 'initialScale',
};

export function admitAutoscaling(annotations: Record<string, string>, path: string, problems: KnativeProblems): void {
  const value = (name: string) => annotations[PREFIX + name] ?? annotations[PREFIX + (LEGACY[name] ?? name)];
  const at = (name: string) => `${path}.${PREFIX}${name}`;
  const number = (name: string, lower: number, upper: number) => {
    const text = value(name);
    if (text === undefined) {
      return;
    }
    const found = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isNaN(found)) {
      problems.invalid(text, at(name));
    } else if (found < lower || found > upper) {
      problems.outOfBounds(text, lower, upper, at(name));
    }
  };
  const duration = (name: string, lower: string, upper: string) => {
    const text = value(name);
    if (text === undefined) {
      return;
    }
    const found = parseDuration(text);
    if (found === undefined) {
      problems.invalid(text, at(name));
    } else if (found < (parseDuration(lower) ?? 0) || found > HOUR) {
      problems.outOfBounds(text, lower, upper, at(name));
    } else if (found % SECOND !== 0) {
      problems.add('must be specified with at most second precision', at(name));
    }
  };
  const scale = (name: string) => {
    const text = value(name);
    if (text === undefined) {
      return 0;
    }
    if (!/^-?\d+$/.test(text)) {
      problems.invalid(text, at(name));
    } else if (Number(text) < 0) {
      problems.outOfBounds(text, 0, 2 ** 31 - 1, at(name));
    }
    return Number(text);
  };

  const autoscaler = value('class') ?? KPA;
  if (autoscaler.endsWith('.autoscaling.knative.dev') && autoscaler !== KPA && autoscaler !== HPA) {
    problems.invalid(autoscaler, at('class'));
  }
  const min = scale('min-scale');
  const max = scale('max-scale');
  if (max !== 0 && max < min) {
    problems.add(`max-scale=${max} is less than min-scale=${min}`, `${at('max-scale')}, ${at('min-scale')}`);
  }
  // 0 is taken too: a cluster refuses it unless its config-autoscaler says allow-zero-initial-scale, which ours do.
  scale('initial-scale');
  const target = value('target');
  if (target !== undefined && !(Number(target) >= 0.01)) {
    if (Number.isNaN(Number(target))) {
      problems.invalid(target, at('target'));
    } else {
      problems.add(`target ${target} should be at least 0.01`, at('target'));
    }
  }
  number('target-utilization-percentage', 1, 100);
  number('panic-window-percentage', 1, 100);
  number('panic-threshold-percentage', 110, 1000);
  duration('window', '6s', '1h0m0s');
  duration('scale-down-delay', '0s', '1h0m0s');
  duration('scale-to-zero-pod-retention-period', '0s', '1h0m0s');
  const metric = value('metric');
  if (metric !== undefined && autoscaler === KPA && !['concurrency', 'rps'].includes(metric)) {
    problems.invalid(metric, at('metric'));
  }
  if (metric === '' && autoscaler === HPA) {
    problems.invalid(metric, at('metric'));
  }
}

/** Go's durations (`1m30s`), in milliseconds; undefined where it is none. */
function parseDuration(text: string): number | undefined {
  if (text === '0') {
    return 0;
  }
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) {
    return undefined;
  }
  return [...text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)].reduce(
    (sum, [, amount, unit = '']) => sum + Number(amount) * (UNITS[unit] ?? 0),
    0,
  );
}
