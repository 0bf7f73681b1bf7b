/**
 * What the next build.start of a function has to say, so that the function keeps its settings: a build.start that says
 * nothing of them means the defaults.
 */
import type { FunctionDetail } from '#shared/api/schemas.ts';

export function parametersOf({
  settings,
  delivery,
}: Pick<FunctionDetail, 'settings' | 'delivery'>): Record<string, unknown> {
  const { language, handler, env, secrets, scaling, resources, timeout_seconds, concurrency, record } = settings;
  const isGiven = (value: object) => Object.keys(value).length > 0;
  return {
    ...(language === undefined ? {} : { language }),
    ...(handler === undefined ? {} : { handler }),
    ...(env.length > 0 ? { env: Object.fromEntries(env.map(({ name, value }) => [name, value])) } : {}),
    ...(secrets.length > 0 ? { secrets } : {}),
    ...(isGiven(scaling) ? { scaling } : {}),
    ...(isGiven(resources) ? { resources } : {}),
    ...(timeout_seconds === undefined ? {} : { timeout_seconds }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(record === undefined ? {} : { record }),
    ...(delivery === 'own' ? { delivery } : {}),
  };
}
