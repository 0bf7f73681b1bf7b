/** For whoever has no function yet: the shortest way to one. */
import { DeployButton } from '#page/deploy/deploy-button.tsx';
import { useMe } from '#page/me.ts';
import { mayWrite } from '#page/rights.ts';
import { Command } from './copy.tsx';

export function FirstSteps() {
  const me = useMe();
  if (!mayWrite(me)) {
    return (
      <section class="empty">
        <h2>There is no function that you may see</h2>
        <p>{me.principal} speaks for no tenant here: ask the operator to add one.</p>
      </section>
    );
  }
  return (
    <section class="empty">
      <h2>Deploy your first function</h2>
      <p>A function is a folder with one file. Drop a folder anywhere on this page, or choose one:</p>
      <p>
        <DeployButton />
      </p>
      <p>Or by the command, which also makes the folder and calls the function:</p>
      <Command text={'npx kn-lambda init hello && kn-lambda deploy hello && kn-lambda invoke hello'} />
      <p>A whole function in Node, in a file called index.js:</p>
      <Command text={'export function handler(event) {\n  return { hello: event.data.name };\n}'} />
    </section>
  );
}
