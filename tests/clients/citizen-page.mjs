// The citizen's page (web/verify) in Debian's Chromium, opened from a file as a citizen opens it.
//
//   node citizen-page.mjs measure PAGE FOLDER   FOLDER/history is checked 20 times under FOLDER/policy
//   node citizen-page.mjs use CONFIG            the tasks of tests/citizen_page_test.cc
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const say = (what) => console.log(JSON.stringify(what))
const [mode, ...rest] = process.argv.slice(2)
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync'],
})

// A window with the page in it; whatever it asks of any network is noted.
async function open(file, language, width = 1280) {
  const context = await browser.newContext({ locale: language, viewport: { width, height: 800 }, acceptDownloads: true })
  const page = await context.newPage()
  const asked = []
  page.on('request', (request) => { if (!request.url().startsWith('file:') && !request.url().startsWith('blob:')) asked.push(request.url()) })
  const errors = []
  page.on('pageerror', (error) => errors.push(String(error)))
  await page.goto(pathToFileURL(resolve(file)).href)
  return { page, asked, errors, context }
}

async function check(page, files, id) {
  await page.setInputFiles('#files', files)
  await page.fill('#id', id)
  await page.evaluate(() => delete document.getElementById('result').dataset.milliseconds)
  await page.click('form button')
  await page.waitForFunction(() => document.getElementById('result').dataset.milliseconds)
  return Number(await page.getAttribute('#result', 'data-milliseconds'))
}

async function measure([file, folder]) {
  const { page } = await open(file, 'en')
  const took = []
  for (let i = 0; i < 20; ++i)
    took.push(await check(page, [`${folder}/history`, `${folder}/policy`], '3520212345671'))
  if (!(await page.locator('.verdict.holds').count())) throw new Error(await page.innerText('#result'))
  const entries = await page.locator('.looks > li').count()
  if (entries !== 50) throw new Error(`${entries} entries`)
  const sorted = took.slice(1).sort((a, b) => a - b)
  say({ first_ms: took[0], median_ms: sorted[9], version: browser.version() })
}

async function use([config]) {
  const world = JSON.parse(readFileSync(config, 'utf8'))
  const axe = readFileSync(fileURLToPath(new URL('./node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8')
  const wrong = []
  const expect = (name, good, detail = '') => { if (!good) { wrong.push(name); say({ wrong: name, detail }) } }
  const judge = async (page, at) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
    expect(`${at}: no sideways scrolling`, wide <= 0, `${wide} px too wide`)
    const found = await page.evaluate(async (source) => {
      if (!window.axe) (0, eval)(source)
      const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']
      const result = await window.axe.run(document, { runOnly: { type: 'tag', values: tags } })
      return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`)
    }, axe)
    expect(`${at}: axe`, found.length === 0, found.join('; '))
  }
  const run = { pages: 0 }
  for (const [language, width, name] of [['en', 1280, 'English'], ['en', 320, 'English'], ['ur', 1280, 'اردو'], ['ur', 320, 'اردو']]) {
    const at = `${language} ${width}`
    const { page, asked, errors, context } = await open(world.page, language === 'ur' ? 'ur-PK' : 'en-GB', width)
    expect(`${at}: speaks the reader's language`, (await page.getAttribute('html', 'lang')) === language)
    expect(`${at}: direction`, (await page.getAttribute('html', 'dir')) === (language === 'ur' ? 'rtl' : 'ltr'))
    expect(`${at}: the language that is on`, (await page.innerText('nav [aria-pressed=true]')) === name)
    await judge(page, `${at} before`)
    // What is missing is said, and the place to give it has the focus.
    await page.click('form button')
    expect(`${at}: asks for the file`, (await page.locator('#result [role=alert]').count()) === 1)
    expect(`${at}: focus on the file`, await page.evaluate(() => document.activeElement.id === 'files'))
    for (const { name: what, files, id, holds, fault, entries } of world.tasks) {
      await check(page, files, id)
      const text = await page.innerText('#result')
      expect(`${at} ${what}: verdict`, (await page.locator('.verdict.holds').count()) === (holds ? 1 : 0), text)
      expect(`${at} ${what}: focus on the verdict`, await page.evaluate(() => document.activeElement.matches('.verdict h2')))
      if (holds) expect(`${at} ${what}: entries`, (await page.locator('.looks > li').count()) === entries, text)
      else expect(`${at} ${what}: names ${fault}`, text.includes(`${fault}:`), text)
      if (what === 'honest' || fault === 'chain') await judge(page, `${at} ${what}`)
      run.pages += 1
    }
    // Changing the language keeps the result; the page may not connect, whatever it tries.
    const other = language === 'ur' ? 'en' : 'ur'
    await page.click(`nav [lang=${other}]`)
    expect(`${at}: the result in the other language`, (await page.locator('.verdict').count()) === 1)
    expect(`${at}: focus stays`, await page.evaluate((l) => document.activeElement.lang === l, other))
    const blocked = await page.evaluate(async () => {
      try { await fetch('https://example.org/'); return false } catch { return true }
    })
    expect(`${at}: no connection is possible`, blocked && asked.length === 0, asked.join(' '))
    expect(`${at}: no error`, errors.length === 0, errors.join('; '))
    await context.close()
  }
  // By keyboard alone: Tab to the number, type, Enter; and what is kept is what amanat-verify keeps.
  const { page } = await open(world.page, 'en-GB')
  await page.setInputFiles('#files', world.tasks[0].files)
  for (let i = 0; i < 12 && !(await page.evaluate(() => document.activeElement.id === 'id')); ++i) await page.keyboard.press('Tab')
  await page.keyboard.type(world.tasks[0].id)
  await page.keyboard.press('Enter')
  await page.waitForSelector('.verdict.holds')
  for (let i = 0; i < 40; ++i) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(() => document.activeElement.matches('#result button'))) break
  }
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
  await download.saveAs(world.remembered)
  // Files may be dropped as well.
  await page.evaluate(() => {
    const dropped = new DataTransfer()
    dropped.items.add(new File(['quorum none\nnonsense\n'], 'broken-keys'))
    document.dispatchEvent(new DragEvent('drop', { dataTransfer: dropped, bubbles: true, cancelable: true }))
  })
  await page.waitForFunction(() => document.getElementById('chosen').textContent.includes('line 2'))
  if (wrong.length === 0) say({ name: 'done', ...run })
  process.exitCode = wrong.length === 0 ? 0 : 1
}

try {
  await (mode === 'measure' ? measure(rest) : use(rest))
} finally {
  await browser.close()
}
