/** Sends a request to the Kubernetes API. Throws one of our two errors where it fails. */
import { kubernetesError, statusOf } from './kubernetes-failure.ts';

export async function answered<Result>(doing: string, send: () => Promise<Result>): Promise<Result> {
  try {
    return await send();
  } catch (error) {
    throw kubernetesError(error, doing);
  }
}

/** Undefined where there is no such object. */
export async function found<Result>(doing: string, send: () => Promise<Result>): Promise<Result | undefined> {
  return await answered(doing, async () => {
    try {
      return await send();
    } catch (error) {
      if (statusOf(error)?.code === 404) {
        return undefined;
      }
      throw error;
    }
  });
}

/** False where there is no such object. */
export async function done(doing: string, send: () => Promise<unknown>): Promise<boolean> {
  return (await found(doing, async () => ({ answer: await send() }))) !== undefined;
}
