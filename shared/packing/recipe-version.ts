/**
 * The version of everything in this folder that changes an image. Raising it makes every parser build again at its next
 * build.start.
 */
export const RECIPE_VERSION = '2';
