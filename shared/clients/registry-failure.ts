/** What a registry's refusal means, by its status and by the codes in its body. */
import * as z from 'zod';
import { bounded } from '#shared/bounded-text.ts';
import { PermanentError } from '#shared/events/errors.ts';
import { networkCode } from '#shared/network-code.ts';
import { printableCell } from '#shared/printable.ts';
import { readJson } from '#shared/read-json.ts';
import { classify, type FailureKind, isClassified, kindOfStatus, retryAfterSeconds } from './classify.ts';
import type { RegistryAddress } from './registry-address.ts';
import type { HttpAnswer } from './registry-http.ts';
import type { Trouble } from './upstream.ts';

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#error-codes */
const bodySchema = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().default('') })).nonempty(),
});

const SHOWN_ERRORS = 3;
/** A manifest names a blob that its repository does not have. */
export const BLOB_UNKNOWN = ['MANIFEST_BLOB_UNKNOWN', 'BLOB_UNKNOWN'];

/** The codes of a refusal, such as MANIFEST_UNKNOWN. A body of another form has none. */
export function registryCodes({ body }: HttpAnswer): string[] {
  return errorsOf(body).map(({ code }) => code);
}

/** The error to throw for an answer that nobody expected. `doing`: `reading docker.io/library/node:24`. */
export function registryRefusal(answer: HttpAnswer, doing: string, address: RegistryAddress): Error {
  const kind = kindOfStatus(answer.status);
  return classify({
    kind,
    system: 'Registry',
    doing,
    detail: detailOf(answer),
    retryAfter: retryAfterSeconds(answer.headers['retry-after']),
    advice: adviceFor(kind, registryCodes(answer), address),
  });
}

/** The error to throw where there was no answer. Errors of ours say what they are about. */
export function registryError(error: unknown, doing: string): Error {
  if (error instanceof PermanentError) {
    return new PermanentError(error.reason, `Registry failed at ${doing}: ${error.message}`);
  }
  if (isClassified(error)) {
    return error;
  }
  return classify({ kind: 'no-answer', system: 'Registry', doing, detail: networkCode(error) });
}

/** Undefined where the registry is healthy. */
export function registryTrouble(attempt: PromiseSettledResult<HttpAnswer>): Trouble | undefined {
  if (attempt.status === 'rejected') {
    return isClassified(attempt.reason) ? undefined : { detail: networkCode(attempt.reason), isIll: true };
  }
  const { status, headers } = attempt.value;
  const kind = kindOfStatus(status);
  if (kind !== 'unavailable' && kind !== 'throttled') {
    return undefined;
  }
  const retryAfter = retryAfterSeconds(headers['retry-after']);
  return { detail: `HTTP ${status}`, isIll: kind === 'unavailable', retryAfter };
}

/** The registry's own words. A body that has another form is not quoted, since its origin is unknown. */
function detailOf({ status, body }: HttpAnswer): string {
  const said = errorsOf(body).slice(0, SHOWN_ERRORS);
  const words = said.map(({ code, message }) => `${bounded(code)}: ${bounded(message)}`);
  return words.length > 0 ? `${printableCell(words.join('; '))} (HTTP ${status})` : `HTTP ${status}`;
}

function errorsOf(body: Buffer): { code: string; message: string }[] {
  return bodySchema.safeParse(readJson(body.toString())).data?.errors ?? [];
}

function adviceFor(kind: FailureKind, codes: string[], { host, name }: RegistryAddress): string | undefined {
  if (kind === 'forbidden') {
    return `Check that ${name} exists and that the credentials for ${host} may use it: they come from Secret knative-lambda-registry, for ECR from the role`;
  }
  if (codes.some((code) => BLOB_UNKNOWN.includes(code))) {
    return 'The registry has lost a blob. The next attempt pushes it again';
  }
  if (codes.includes('NAME_UNKNOWN')) {
    return `Create the repository ${name}, or correct IMAGE_REGISTRY`;
  }
  return undefined;
}
