/**
 * The version of everything that changes an image: the recipes and adapters of languages/, and the archive of this
 * folder. Raising it makes every parser build again at its next build.start.
 */
export const RECIPE_VERSION = '6';
