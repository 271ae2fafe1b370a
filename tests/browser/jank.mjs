// How smooth the page is: node jank.mjs BASE_URL. With the stub: --nodes 8 --engines 200, and a job of 100 steps.
// Prints the longest frames, and the longest tasks of the page's own script, while it is used.

import { openBrowser } from './browser.mjs';

const base = process.argv[2];
const { page, close } = await openBrowser(base);

async function measure(what, run) {
  await page.evaluate(() => {
    const seen = { frames: [], tasks: [] };
    window.seen = seen;
    let before = performance.now();
    const tick = (at) => {
      if (window.seen !== seen) return;
      seen.frames.push(at - before);
      before = at;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
    new PerformanceObserver((list) => seen.tasks.push(...list.getEntries().map((each) => each.duration))).observe({ type: 'longtask' });
  });
  await run();
  const { frames, tasks } = await page.evaluate(() => {
    const { seen } = window;
    window.seen = null;
    return seen;
  });
  const sorted = frames.slice(2).sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1);
  console.log(`${what}: ${sorted.length} frames, median ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms; tasks over 50 ms: ${tasks.length}${tasks.length ? `, longest ${Math.max(...tasks).toFixed(0)} ms` : ''}`);
}

await page.goto(new URL('#/topology?as=graph', base).href);
await page.locator('.cluster canvas').waitFor();
await page.waitForTimeout(1500);
await measure('topology, loads move', () => page.waitForTimeout(8000));
const box = await page.locator('.cluster canvas').boundingBox();
await measure('topology, pan, zoom and hover', async () => {
  for (let round = 0; round < 3; ++round) {
    await page.mouse.move(box.x + 300, box.y + 300);
    await page.mouse.down();
    await page.mouse.move(box.x + 500, box.y + 380, { steps: 20 });
    await page.mouse.up();
    await page.mouse.move(box.x + 200, box.y + 200, { steps: 30 });
    await page.keyboard.down('Control');
    await page.mouse.wheel(0, round % 2 ? 200 : -200);
    await page.keyboard.up('Control');
  }
});
await page.goto(new URL('#/topology?as=list', base).href);
await page.locator('.engine-row').first().waitFor();
await measure('list of engines', () => page.waitForTimeout(5000));
await page.goto(new URL('#/jobs?new=1', base).href);
await page.locator('#goal').fill('steps=100 What is 1+1?');
await page.getByRole('button', { name: 'Submit job' }).click();
await page.locator('.plan-graph svg').first().waitFor();
await measure('a plan of 100 steps, submit to end', () => page.locator('#state[data-state="done"]').waitFor({ timeout: 120_000 }));
await close();
