/** What a source file shows to whoever imports it, as far as can be told without running it. */

export interface ExportedNames {
  names: string[];
  /**
   * The file does something that only running it would show (`import *`, `module.exports = require(…)`): any name may
   * be there.
   */
  open: boolean;
}
