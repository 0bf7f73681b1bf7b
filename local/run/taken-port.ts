/** A port that somebody else has is the commonest failure of a first start: say which, and how to choose another. */

/** Starts something that listens; a taken port becomes a message that names it and its variable. */
export async function onPort<T>(variable: string, port: number, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE' || code === 'EACCES') {
      const problem = code === 'EACCES' ? 'is not ours to listen at' : 'is taken';
      throw new Error(
        `port ${port} of 127.0.0.1 ${problem}: choose another by ${variable}=… (0 takes any free one), or end what listens there`,
        { cause: error },
      );
    }
    throw error;
  }
}
