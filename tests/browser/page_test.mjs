// Uses the page as a person does: node page_test.mjs BASE_URL [--out FOLDER] [--key KEY] [--goal TEXT] [--long-goal TEXT]
//   [--jobs N] [--only-sign-in] [--patience-ms N]
// Leaves screenshots in FOLDER; its exit status is the number of checks that failed.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { openBrowser } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    out: { type: 'string', default: 'screenshots' },
    key: { type: 'string', default: '' },
    goal: { type: 'string', default: 'What is (12+7)*3-5?' },
    'long-goal': { type: 'string', default: 'slow steps=60 What is the sum of the product of 3 and 4 and 9?' },
    jobs: { type: 'string', default: '0' },
    'only-sign-in': { type: 'boolean', default: false },
    'patience-ms': { type: 'string', default: '60000' },
  },
});
const base = positionals[0];
if (!base) {
  console.error('page_test: needs the address of a node, as http://127.0.0.1:8420/');
  process.exit(2);
}
mkdirSync(values.out, { recursive: true });
const patience = Number(values['patience-ms']);
const { page, problems, close } = await openBrowser(base);
page.setDefaultTimeout(patience);
let failed = 0;
let told = 0;

async function check(what, run) {
  try {
    await run();
    if (problems.length > told) throw new Error(problems.slice(told).join('\n  '));
    console.log(`ok      ${what}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${what}\n  ${error.message}`);
    await page.screenshot({ path: join(values.out, `failed_${failed}.png`) }).catch(() => {});
  }
  told = problems.length;
}

function expect(condition, message) {
  if (!condition) throw new Error(message);
}

/** Problems that a check brings about on purpose. */
function forget(pattern) {
  problems.push(...problems.splice(told).filter((each) => !pattern.test(each)));
}

/** What goes wrong after the last check counts too. */
async function finish() {
  await check('nothing goes wrong afterwards', settle);
  await close();
  console.log(failed === 0 ? `page_test: ok, screenshots in ${values.out}` : `page_test: ${failed} failed`);
  process.exit(failed);
}

const at = (hash) => page.goto(new URL(hash, base).href);
const shot = (name) => page.screenshot({ path: join(values.out, `${name}.png`), animations: 'disabled' });
const state = (name) => page.locator(`#state[data-state="${name}"]`);
const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
const settle = () => page.waitForTimeout(700);

async function noSideways(what) {
  const [inner, outer] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(inner <= outer, `${what} is ${inner} px wide on a screen of ${outer} px`);
}

if (values.key) {
  await check('a node that asks for a key is given one', async () => {
    await page.goto(base);
    await page.getByLabel('API key').fill(`${values.key}x`);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('API key').fill(values.key);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    // The browser itself reports each 401.
    forget(/^console: .*\b401\b/);
    await page.reload();
    await page.locator('#saved').waitFor();
  });
}
if (values['only-sign-in']) await finish();

await check('the overview shows what was saved', async () => {
  await at('#/overview');
  await page.locator('#saved').waitFor();
  await settle();
  await shot('overview');
});

await check('a job is submitted, watched to its end, and one of its steps opened', async () => {
  await at('#/jobs');
  await page.getByRole('link', { name: 'New job' }).click();
  await page.getByRole('dialog', { name: 'New job' }).waitFor();
  await shot('submit');
  await page.locator('#goal').fill(values.goal);
  await page.getByRole('button', { name: 'Submit job' }).click();
  await page.locator('#state').waitFor();
  await page.locator('[data-step]').nth(1).waitFor();
  await shot('job_running');
  await state('done').waitFor();
  expect((await page.locator('#answer').innerText()).trim().length > 0, 'the answer is empty');
  await page.locator('[data-step]').first().click();
  await page.getByRole('complementary', { name: /^Step / }).waitFor();
  await page.locator('#step-result').waitFor();
  await page.locator('.attempt-facts').first().waitFor();
  await settle();
  await shot('job_step');
  await page.keyboard.press('Escape');
  await page.getByRole('complementary', { name: /^Step / }).waitFor({ state: 'detached' });
});

await check('another job is cancelled while it runs', async () => {
  for (let tries = 0; ; ++tries) {
    await at('#/jobs?new=1');
    await page.locator('#goal').fill(values['long-goal']);
    await page.getByRole('button', { name: 'Submit job' }).click();
    await page.locator('#state').waitFor();
    try {
      await page.locator('#cancel').click({ timeout: 2000 });
      break;
    } catch (error) {
      // It was over before it could be cancelled.
      if (tries === 4) throw error;
    }
  }
  await page.getByRole('dialog').getByLabel(/Reason/).fill('no longer needed');
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click();
  await state('cancelled').waitFor();
  await settle();
  await shot('job_cancelled');
});

await check('a job that is retried shows what it does now, not what it did before', async () => {
  const moves = page.locator('#state:not([data-state="cancelled"])');
  await page.getByRole('button', { name: 'Retry' }).click();
  await moves.waitFor();
  await page.reload();
  await moves.waitFor();
  for (let looks = 0; looks < 10; ++looks) {
    await page.waitForTimeout(100);
    expect((await moves.count()) === 1, 'it shows as cancelled again');
  }
  if ((await state('running').count()) === 1) {
    await page.locator('#cancel').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel the job' }).click();
    await state('cancelled').waitFor();
  }
});

if (Number(values.jobs) > 50) {
  await check('older jobs are listed below the newest, none twice and none missing', async () => {
    const tag = `pages-${Date.now()}`;
    const headers = values.key ? { Authorization: `Bearer ${values.key}` } : {};
    const ids = [];
    const submit = async () => {
      const answer = await page.request.post(new URL('v1/jobs', base).href, { headers, data: { goal: 'What is 1+1?', mode: 'small', tags: [tag] } });
      expect(answer.ok(), `${answer.status()}: ${await answer.text()}`);
      ids.unshift((await answer.json()).job);
    };
    const listed = () => page.locator('.job-row').evaluateAll((rows) => rows.map((row) => row.getAttribute('href').split('/').pop()));
    const shows = (wanted) => page.waitForFunction((wanted) => document.querySelector('.job-row')?.getAttribute('href').endsWith(`/${wanted}`), wanted);
    for (let i = 0; i < Number(values.jobs); ++i) await submit();
    await at(`#/jobs?tag=${tag}`);
    await shows(ids[0]);
    for (let i = 0; i < 3; ++i) await submit();
    await shows(ids[0]);
    await page.getByRole('button', { name: 'Older jobs' }).click();
    await page.locator('.job-row').nth(ids.length - 1).waitFor();
    for (let i = 0; i < 3; ++i) await submit();
    await shows(ids[0]);
    expect((await listed()).join() === ids.join(), `listed: ${await listed()}\n  submitted: ${ids}`);
    expect((await page.getByRole('button', { name: 'Older jobs' }).count()) === 0, 'older jobs are offered after the last');
  });
}

await check('a job is submitted with the keyboard alone', async () => {
  await at('#/overview');
  await page.locator('#saved').waitFor();
  await page.keyboard.press('n');
  await page.locator('#goal').waitFor();
  await page.keyboard.type(values.goal);
  await page.keyboard.press('Control+Enter');
  await page.locator('#state').waitFor();
  await state('done').waitFor();
});

await check('keys: search, help, the list of jobs, the skip link', async () => {
  await at('#/overview');
  await page.locator('#saved').waitFor();
  await page.keyboard.press('/');
  expect(await page.evaluate(() => document.activeElement?.id === 'search'), '/ does not lead to the search');
  await page.keyboard.type('12+7');
  await page.keyboard.press('Enter');
  await page.waitForURL(/text=12/);
  await page.locator('.job-row').first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Home');
  expect(await page.evaluate(() => document.activeElement === document.querySelector('.job-row')), 'Home does not lead to the first job');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys and help' }).waitFor();
  await page.keyboard.press('Escape');
  await page.reload();
  await page.locator('.job-row').first().waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.className === 'skip'), 'the skip link is not the first stop');
  await page.keyboard.press('Enter');
  expect(await page.evaluate(() => document.activeElement?.id === 'main'), 'the skip link does not lead to the content');
});

await check('each view shows itself, light and dark', async () => {
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    for (const view of ['overview', 'topology', 'jobs', 'routing', 'caches', 'weights', 'alarms']) {
      await at(`#/${view}`);
      await settle();
      expect((await page.locator('main .problem').count()) === 0, `${view}: ${await page.locator('main .problem').allInnerTexts()}`);
      await shot(`${view}_${theme}`);
    }
  }
  const dark = await background();
  const becomes = (wanted) => page.waitForFunction(([dark, wanted]) => (getComputedStyle(document.body).backgroundColor === dark) === wanted, [dark, wanted]);
  await page.emulateMedia({ colorScheme: 'light' });
  await becomes(false);
  await page.locator('#theme').click();
  await becomes(true);
  await page.locator('#theme').click();
  await becomes(false);
});

await check('the graph of the cluster is walked by keys', async () => {
  await at('#/topology?as=graph');
  const canvas = page.locator('.cluster canvas');
  await canvas.focus();
  await settle();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  await page.getByRole('complementary', { name: /^Engine / }).waitFor();
  await settle();
  await shot('topology_engine');
  await page.keyboard.press('Escape');
});

await check('all of it fits a phone of 360 px', async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const view of ['overview', 'topology', 'jobs', 'routing', 'caches', 'weights', 'alarms', 'jobs?new=1']) {
    await at(`#/${view}`);
    await settle();
    await noSideways(view);
    await shot(`phone_${view.replace(/\W+/g, '_')}`);
  }
  await at('#/jobs?state=done');
  await page.locator('.job-row').first().click();
  await page.locator('#state').waitFor();
  await settle();
  await noSideways('a job');
  await page.screenshot({ path: join(values.out, 'phone_job.png'), fullPage: true });
  await page.setViewportSize({ width: 1920, height: 1080 });
  await at('#/overview');
  await settle();
  await noSideways('the overview');
  await shot('wide_overview');
});

await check('a job that is not there is said so', async () => {
  await page.setViewportSize({ width: 1440, height: 900 });
  await at('#/job/aaaaaaaa-999999');
  await page.getByRole('alert').waitFor();
  // The browser itself reports it.
  forget(/^console: .*\b404\b/);
});

await finish();
