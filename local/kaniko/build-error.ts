/** Why a build ends without an image. */

/** Its message is printed as Kaniko prints it, after `error building image: `. */
export class BuildError extends Error {
  override readonly name = 'BuildError';
  /** That of a failed RUN; 1 otherwise. */
  readonly exitCode: number;

  constructor(message: string, exitCode = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}
