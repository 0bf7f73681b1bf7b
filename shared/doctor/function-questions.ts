/** The functions of a tenant, or of all. */
import { MINUTE } from '#shared/durations.ts';
import { readBuild } from '#shared/specs/annotations.ts';
import { deliveryOf } from '#shared/specs/delivery.ts';
import { failed, ok, type Question, some, warning } from './check.ts';
import { notReady, troubled } from './cluster-questions.ts';

const SLOW_START = 10 * MINUTE;
const RESTARTS = 3;

export const FUNCTIONS_QUESTIONS: Question[] = [
  {
    name: 'functions-start',
    needs: 'Services of functions',
    look: ({ functions }) => {
      const bad = functions?.flatMap((one) => {
        const isFailed = one.status?.conditions?.some(
          ({ type, status }: { type: string; status: string }) => type === 'Ready' && status === 'False',
        );
        return isFailed ? [`${nameOf(one)} (${notReady(one)})`] : [];
      });
      return (
        bad &&
        (bad.length === 0
          ? ok(`${functions?.length ?? 0} functions, none has failed`)
          : failed(`does not start: ${some(bad)}`, 'See why', 'kn-lambda explain'))
      );
    },
  },
  {
    name: 'slow-starts',
    needs: 'Services of functions',
    look: ({ functions, now }) => {
      const slow = functions?.filter(({ metadata, status }) => {
        const ready = status?.conditions?.find(({ type }: { type: string }) => type === 'Ready');
        return ready?.status === 'Unknown' && now.getTime() - Date.parse(metadata.creationTimestamp ?? '') > SLOW_START;
      });
      return (
        slow &&
        (slow.length === 0
          ? ok('none takes long to start')
          : warning(
              `starting for more than 10 minutes: ${some(slow.map(nameOf))}`,
              'See what its pod waits for',
              'kn-lambda explain',
            ))
      );
    },
  },
  {
    name: 'function-pods',
    needs: 'pods of functions',
    look: ({ functionPods }) => {
      const bad = functionPods && troubled(functionPods);
      return (
        bad &&
        (bad.length === 0
          ? ok('every pod of a function starts')
          : failed(`does not start: ${some(bad)}`, 'See why', 'kn-lambda explain'))
      );
    },
  },
  {
    name: 'crashing-functions',
    needs: 'pods of functions',
    look: ({ functionPods }) => {
      const often = functionPods?.filter(({ status }) =>
        (status?.containerStatuses ?? []).some(({ restartCount }) => restartCount >= RESTARTS),
      );
      return (
        often &&
        (often.length === 0
          ? ok('none is started again and again')
          : warning(
              `started again and again: ${some(often.map(({ metadata }) => metadata?.name ?? ''))}`,
              'Read its log',
              'kn-lambda logs',
            ))
      );
    },
  },
  {
    name: 'images-by-digest',
    needs: 'Services of functions',
    look: ({ functions }) => {
      const loose = functions?.filter(
        ({ spec }) => !/@sha256:[0-9a-f]{64}$/.test(spec?.template?.spec?.containers?.[0]?.image ?? ''),
      );
      return (
        loose &&
        (loose.length === 0
          ? ok('every function runs what was built, by digest')
          : failed(
              `run another image: ${some(loose.map(nameOf))}`,
              'Somebody has changed the Service by hand: deploy again',
              'kn-lambda deploy --force',
            ))
      );
    },
  },
  {
    name: 'readable-annotations',
    needs: 'Services of functions',
    look: ({ functions }) => {
      const odd = functions?.filter((one) => readBuild(one) === undefined);
      return (
        odd &&
        (odd.length === 0
          ? ok('every Service says which build it is')
          : failed(
              `nobody knows which build made: ${some(odd.map(({ metadata }) => metadata.name))}`,
              'Its annotations were changed by hand: deploy again',
              'kn-lambda deploy --force',
            ))
      );
    },
  },
  {
    name: 'old-deliveries',
    needs: 'Services of functions',
    look: ({ functions }) => {
      const old = functions?.filter((one) => deliveryOf(one) === undefined);
      return (
        old &&
        (old.length === 0
          ? ok('every function is called through the door')
          : warning(
              `called past the door, by a Trigger of an older installation: ${some(old.map(nameOf))}`,
              'Build them anew',
              'kn-lambda deploy --force',
            ))
      );
    },
  },
  {
    name: 'lost-triggers',
    needs: 'Triggers and Services of functions',
    look: ({ functions, triggers }) => {
      const lost =
        functions &&
        triggers?.filter(
          ({ metadata }) =>
            metadata.name.startsWith('fn-') && !functions.some((one) => one.metadata.name === metadata.name),
        );
      return (
        lost &&
        (lost.length === 0
          ? ok('every Trigger of a function has its function')
          : warning(
              `without a function: ${some(lost.map(({ metadata }) => metadata.name))}`,
              'sweep deletes them a quarter of an hour after their function: see its log',
              'kubectl get triggers',
            ))
      );
    },
  },
];

function nameOf(service: Parameters<typeof readBuild>[0] & { metadata: { name: string } }): string {
  const build = readBuild(service);
  return build ? `${build.third_party_id}/${build.parser_id}` : service.metadata.name;
}
