/** Builds and deploys a function by a build.start, where nothing of it is measured. */
import type { UnderTest } from '#bench/under-test.ts';
import { type Identity, subjectOf } from '#shared/events/identity.ts';
import { emptyService, type Files } from './sources.ts';

export async function deploy(
  target: UnderTest,
  identity: Identity,
  files: Files,
): Promise<{ service: string; image: string }> {
  await target.upload(identity, files);
  const subject = subjectOf(identity);
  const next = async (type: string) =>
    (await target.wait(`${type} of ${subject}`, ({ event }) => event.type === type && event.subject === subject)).event;
  await target.send({ type: 'build.start', subject, data: identity });
  const { data } = await next('build.complete');
  if (data.status !== 'success') {
    throw new Error(`the build of ${subject} ended as ${data.status} (${data.reason}): ${data.error_message}`);
  }
  const deployed = await next('lifecycle.build.completed');
  return { service: deployed.data.service_name, image: data.image_uri };
}

let emptyGo: Promise<string> | undefined;

/** The image of the baseline, which all parts of a run share. It answers no CloudEvents. */
export function emptyGoImage(target: UnderTest): Promise<string> {
  console.error('building the baseline …');
  emptyGo ??= deploy(target, target.identity('bench-empty'), emptyService(target.config)).then(({ image }) => image);
  return emptyGo;
}
