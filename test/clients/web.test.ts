/** A student in a browser: the sign-in link, the terminal, the console, a reload. Debian's Chromium, driven by Playwright. */
import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Demo, LabProcess } from './lab.ts';

const CHROMIUM = '/usr/bin/chromium';
const WAIT_MS = 60_000;

describe.skipIf(!existsSync(CHROMIUM))('the page', () => {
  const lab = new LabProcess();
  let demo: Demo;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    demo = await lab.start();
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
    page = await browser.newPage();
  });
  afterAll(async () => {
    await browser?.close();
    await lab.close();
  });

  const rows = (panel: string) => page.locator(`#${panel} .xterm-rows`);
  const shows = (panel: string, text: string) =>
    rows(panel).getByText(text).first().waitFor({ timeout: WAIT_MS });

  test('without a link it says how to get one', async () => {
    await page.goto(demo.url);
    await page.getByText('npx oopsbox link VM').waitFor({ timeout: WAIT_MS });
  });

  test('a sign-in link opens the terminal, and the token leaves the address bar', async () => {
    await page.goto(`${demo.url}/?vm=${demo.vm.id}#token=${demo.tokens.student}`);
    await page.reload();
    await shows('terminal', 'student@anil-vm');
    expect(page.url()).not.toContain(demo.tokens.student);
    await page
      .locator('#terminal .xterm-helper-textarea')
      .pressSequentially('echo $((6*7)) > answer; cat answer\n');
    await shows('terminal', '42');
    expect(await page.locator('#vm-name').textContent()).toBe('anil-vm');
    await page.getByText('kernel running').waitFor({ timeout: WAIT_MS });
  });

  test('the console tab is the serial console', async () => {
    await page.getByRole('tab', { name: 'Console' }).click();
    await page.locator('#console .xterm-helper-textarea').pressSequentially('\n');
    await shows('console', 'anil-vm login:');
  });

  test('a machine that is not yours is not there', async () => {
    const stranger = await browser.newPage();
    await stranger.goto(`${demo.url}/?vm=00000000-0000-7000-8000-000000000000#token=${demo.tokens.student}`);
    await stranger.getByText('You have no machine').waitFor({ timeout: WAIT_MS });
    await stranger.close();
  });
});
