/** fetch-context's, where a retry of the whole pod would fail again. */
export const FETCH_EXIT_CODE = 67;

/**
 * Exit codes of a generated Dockerfile's RUN where the user's code is the cause. Kaniko exits with the code of the RUN,
 * and a retry would fail again.
 */

export const DEPENDENCY_INSTALL_EXIT_CODE = 65;
export const COMPILE_EXIT_CODE = 66;
