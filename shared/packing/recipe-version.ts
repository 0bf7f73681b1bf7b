/** The version of everything in this folder that shapes an image: raise it, and every parser builds anew at its next build.start. */
export const RECIPE_VERSION = '2';
