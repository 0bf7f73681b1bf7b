/** What gets old or gets lost while nobody looks: the registry, certificates, base images, settings, sweep itself. */
import { DAY, MINUTE } from '#shared/durations.ts';
import { nearest } from '#shared/nearest.ts';
import { SETTINGS } from '#shared/settings/table.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { failed, nameOf, noneOf, ok, type Question, some, warning } from './check.ts';

/** sweep runs once a minute. */
const LATE_SWEEP = 10 * MINUTE;
const ENDS_SOON = 21 * DAY;
/** Debian's and Alpine's images are mended every few weeks. */
const OLD_BASE = 180 * DAY;

const days = (milliseconds: number) => Math.floor(milliseconds / DAY);

export const SWEEP: Question[] = [
  {
    name: 'sweep-runs',
    needs: 'what sweep has left in S3',
    look: ({ lastSweep, now }) => {
      if (lastSweep === undefined) {
        return undefined;
      }
      const age = lastSweep === 'none' ? undefined : now.getTime() - lastSweep.getTime();
      return age !== undefined && age <= LATE_SWEEP
        ? ok(`sweep was done ${Math.round(age / MINUTE)} min ago`)
        : failed(
            age === undefined
              ? 'sweep has never been done'
              : `sweep was done ${Math.round(age / MINUTE)} min ago, and not since`,
            'It repairs what events have missed: see its PingSource, its Trigger and its Service',
            'kubectl get pingsources,triggers,ksvc',
          );
    },
  },
];

export const REGISTRY: Question[] = [
  {
    name: 'registry',
    needs: 'the registry',
    look: ({ registry }) => {
      const { lookup, refused } = registry ?? {};
      if (refused) {
        return failed(
          `the registry did not take the image of ${refused.subject} at ${refused.time}, and none since`,
          'Check the registry and its credentials: explain says what it answered',
          `kn-lambda explain build ${refused.subject}`,
        );
      }
      const [silent] = lookup?.silent ?? [];
      if (silent) {
        return warning(
          `${silent.host} does not answer: ${silent.problem}`,
          'See whether it runs, and whether a NetworkPolicy lets this pod reach it',
          'kubectl get networkpolicies',
        );
      }
      return lookup && (lookup.there.length > 0 || lookup.closed.length > 0)
        ? ok(lookup.closed.length > 0 ? 'the registry answers, and takes images' : 'the registry answers')
        : undefined;
    },
  },
  {
    name: 'images-there',
    needs: 'the registry, without credentials,',
    look: ({ registry, functions }) => {
      const lookup = registry?.lookup;
      const isSeen = lookup && (lookup.there.length > 0 || lookup.missing.length > 0);
      const lost = isSeen
        ? functions?.filter(({ spec }) => lookup.missing.includes(spec?.template?.spec?.containers?.[0]?.image))
        : undefined;
      return noneOf(lost, `the registry has all ${lookup?.there.length ?? 0} images that were looked for`, (found) =>
        failed(
          `the registry has lost the image of ${some(found.map(nameOf))}`,
          'No new pod of them can start: deploy each again, which builds it anew',
          'kn-lambda deploy --force',
        ),
      );
    },
  },
];

export const EXPIRY: Question[] = [
  {
    name: 'certificates',
    needs: 'a certificate: of Kubernetes, S3 or the registry',
    look: ({ certificates, now }) => {
      const left = certificates?.map(({ where, until }) => ({ where, milliseconds: until.getTime() - now.getTime() }));
      const soon = left?.filter(({ milliseconds }) => milliseconds < ENDS_SOON);
      if (!left || !soon || left.length === 0) {
        return undefined;
      }
      const told = some(
        soon.map(({ where, milliseconds }) =>
          milliseconds <= 0 ? `${where} has ended` : `${where} ends in ${days(milliseconds)} days`,
        ),
      );
      const see = 'kubectl get secrets -A --field-selector type=kubernetes.io/tls';
      return soon.length === 0
        ? ok(`all ${left.length} that can be seen hold for more than ${days(ENDS_SOON)} days`)
        : soon.some(({ milliseconds }) => milliseconds <= 0)
          ? failed(
              `a certificate: ${told}`,
              'Renew it, until then nothing reaches that server: see which Secret holds it',
              see,
            )
          : warning(`a certificate: ${told}`, 'Renew it before: see which Secret holds it', see);
    },
  },
  {
    name: 'known-settings',
    needs: 'ConfigMap knative-lambda-config',
    look: ({ settingNames }) =>
      noneOf(
        settingNames?.filter((name) => !Object.hasOwn(SETTINGS, name)),
        'every setting is known',
        (odd) =>
          warning(
            `nobody reads ${some(odd.map(meant))}`,
            'Correct or remove it in the settings, then deploy',
            'make deploy',
          ),
      ),
  },
];

export const BASES: Question[] = [
  {
    name: 'base-images',
    needs: 'Services of functions',
    look: ({ functions, now }) =>
      noneOf(
        functions?.filter((one) => now.getTime() - Date.parse(readBuild(one)?.observed_at ?? '') > OLD_BASE),
        `every function was built within ${days(OLD_BASE)} days`,
        (old) =>
          warning(
            `built more than ${days(OLD_BASE)} days ago, on a base image that was mended since: ${some(old.map(nameOf))}`,
            'Deploy them again, which builds them anew',
            'kn-lambda deploy --force',
          ),
      ),
  },
];

function meant(name: string): string {
  const near = nearest(name, Object.keys(SETTINGS));
  return near === undefined ? name : `${name} (${near} is meant?)`;
}
