/** A change of the code on the embedded platform. The baseline is the start of a Node server that does nothing. */
import { codeChangeRows, measureCodeChanges, ON_THE_WAY } from './code-change.ts';
import { EMPTY_SERVER_NAME, startEmptyServer } from './empty-server.ts';
import { idleSoon } from './idle-soon.ts';
import { openLaptop } from './open-laptop.ts';
import type { Row } from './row.ts';

export async function laptopCodeChange(rounds = 20): Promise<Row[]> {
  const laptop = await openLaptop();
  try {
    await idleSoon(laptop, ON_THE_WAY);
    const measured = await measureCodeChanges(laptop, { rounds, baseline: startEmptyServer });
    if (measured.warm > 0) {
      console.error(`  ${measured.warm} of these did not begin from zero`);
    }
    return codeChangeRows(measured, {
      baseline: EMPTY_SERVER_NAME,
      aims: {
        'code change from zero, build.start → first answer': '≤ 15 × (900 ms)',
        'append of 20 files, listed → manifest pushed': '≤ 150 ms',
        'unchanged source awake → build.complete': '≤ 60 ms',
      },
    });
  } finally {
    await laptop.close();
  }
}
