/** The version that the API tells. A test compares it with package.json, which no bundle contains. */
export const VERSION = '0.1.0';
