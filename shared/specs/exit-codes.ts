/** What a generated Dockerfile's RUN exits with where the user's code is at fault: Kaniko's exit code is the RUN's, and building again would fail again. */

export const DEPENDENCY_INSTALL_EXIT_CODE = 65;
export const COMPILE_EXIT_CODE = 66;
