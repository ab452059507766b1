// Five people at the console in a real browser with virtual authenticators: each one's whole task by
// keyboard alone, in both languages, at 320 and 1280 pixels, with script off where that must work.
// Every page they meet is judged by axe-core, by tests of our own for what axe cannot see (WCAG 2.2:
// focus not obscured, target size, redundant entry, accessible authentication, consistent help, no
// dragging), and for sideways scrolling; with a folder given, it is photographed.
import { mkdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const axe = readFileSync(fileURLToPath(new URL('./node_modules/axe-core/axe.min.js', import.meta.url)), 'utf8')
const say = (what) => console.log(JSON.stringify(what))
const wrong = []
const expect = (name, good, detail = '') => {
  if (good) return
  wrong.push(`${name} ${detail}`)
  say({ wrong: name, detail })
}
if (world.pictures) mkdirSync(world.pictures, { recursive: true })

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    `--ignore-certificate-errors-spki-list=${world.spki}`,
  ],
})

let pages = 0
const heaviest = { weight: 0, at: '' } // of the pages, compressed
let round = 0 // each round asks about somebody else: an approval counts once
const helps = new Map() // language -> where the ways out stand on each page

// judge looks at the page as it is now.
async function judge(page, name, language, width) {
  const at = `${name} ${language} ${width}`
  pages += 1
  expect(`${at}: speaks the language`, (await page.locator('html').getAttribute('lang')) === language)
  expect(`${at}: has the direction`, (await page.locator('html').getAttribute('dir')) === (language === 'ur' ? 'rtl' : 'ltr'))
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect(`${at}: no sideways scrolling`, wide <= 0, `${wide} px too wide`)
  if (language === 'en')
    expect(`${at}: the Urdu font only on Urdu pages`,
           !(await page.evaluate(() => performance.getEntriesByType('resource').some((r) => r.name.includes('nastaliq')))))
  // The policy of the pages forbids foreign script; the browser's driver is outside it.
  const found = await page.evaluate(async (source) => {
    if (!window.axe) (0, eval)(source)
    const result = await window.axe.run(document, {
      runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
    })
    return result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target.join(' ')).slice(0, 3).join(', ')}`)
  }, axe)
  expect(`${at}: axe`, found.length === 0, found.join('; '))
  // 2.4.11 Focus not obscured, 2.5.8 target size: every stop of the Tab key, in the window and on top.
  const stops = await page.evaluate(() => {
    const bad = []
    const targets = document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')
    for (const one of targets) {
      if (one.offsetParent === null && getComputedStyle(one).position !== 'fixed') continue
      one.focus()
      if (document.activeElement !== one) continue
      const box = one.getBoundingClientRect()
      if (one.matches('.skip')) continue
      const inline = getComputedStyle(one).display === 'inline' && one.closest('p, li, td, th, dd')
      const label = one.closest('label')
      const high = Math.max(box.height, label ? label.getBoundingClientRect().height : 0)
      const side = Math.max(box.width, label ? label.getBoundingClientRect().width : 0)
      if (!inline && (high < 24 || side < 24)) bad.push(`small ${one.outerHTML.slice(0, 80)} ${side}x${high}`)
      const x = Math.min(Math.max(box.left + box.width / 2, 1), innerWidth - 1)
      const y = box.top + Math.min(box.height / 2, 12)
      if (y >= 0 && y < innerHeight) {
        const top = document.elementFromPoint(x, y)
        if (top && !one.contains(top) && !top.contains(one)) bad.push(`covered ${one.outerHTML.slice(0, 80)}`)
      } else bad.push(`outside ${one.outerHTML.slice(0, 80)}`)
      const style = getComputedStyle(one)
      if (style.outlineStyle === 'none' && style.boxShadow === 'none') bad.push(`unseen focus ${one.outerHTML.slice(0, 80)}`)
    }
    scrollTo(0, 0)
    document.activeElement?.blur()
    return bad
  })
  expect(`${at}: focus and targets`, stops.length === 0, stops.join('; '))
  // 3.3.8: nothing to remember or transcribe; 2.5.7: nothing to drag.
  expect(`${at}: no password, nothing to drag`,
         (await page.locator('input[type=password], [draggable=true]').count()) === 0)
  // 3.2.6: what helps stands in the same order on every page.
  const help = await page.evaluate(() => [...document.querySelectorAll('header a, header button, footer p')].map((e) => e.tagName).join())
  const key = `${language} ${help.includes('BUTTON')}`
  if (helps.has(key)) expect(`${at}: help where it was`, helps.get(key).startsWith(help) || help.startsWith(helps.get(key)) || Math.abs(help.length - helps.get(key).length) <= 2, help)
  else helps.set(key, help)
  // A number that people read out is never torn in two.
  const torn = await page.evaluate(() => [...document.querySelectorAll('.id')].filter((e) => e.getClientRects().length > 1).map((e) => e.textContent))
  expect(`${at}: no number is torn`, torn.length === 0, torn.join(', '))
  const weight = gzipSync(await page.content(), { level: 9 }).length
  if (weight > heaviest.weight) Object.assign(heaviest, { weight, at })
  expect(`${at}: at most 15 kB`, weight <= 15 * 1024, String(weight))
  const said = `${await page.title()} ${page.url()}`
  for (const number of world.citizens.flatMap((n) => [n, n.replace(/^(.{5})(.{7})/, '$1-$2-')])) expect(`${at}: nobody's number in title or address`, !said.includes(number))
  if (world.pictures) await page.screenshot({ path: `${world.pictures}/${name}-${language}-${width}.png`, fullPage: true })
}

// A person is a browser of their own with an authenticator in it.
class Person {
  static async make({ synced = false } = {}) {
    const one = new Person()
    one.context = await browser.newContext({ reducedMotion: 'reduce', acceptDownloads: true })
    one.page = await one.context.newPage()
    one.cdp = await one.context.newCDPSession(one.page)
    await one.cdp.send('WebAuthn.enable')
    one.synced = synced
    one.keys = []
    return one
  }
  async key() {
    for (const authenticatorId of this.keys)
      await this.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: false })
    const more = this.synced ? { defaultBackupEligibility: true, defaultBackupState: true } : {}
    const { authenticatorId } = await this.cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: this.synced ? 'internal' : 'usb', hasResidentKey: true,
        hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...more,
      },
    })
    this.keys.push(authenticatorId)
  }
  async see(language, width) {
    this.language = language
    this.width = width
    await this.page.setViewportSize({ width, height: width < 600 ? 640 : 800 })
    await this.context.addCookies([{ name: 'language', value: language, url: world.origin, secure: true }])
  }
  go(path) { return this.page.goto(world.origin + path) }
  judge(name) { return judge(this.page, name, this.language, this.width) }
  // press walks with Tab to what a selector names, as somebody without a mouse does, and presses a key.
  async press(selector, key = 'Enter') {
    const wanted = this.page.locator(selector).first()
    await wanted.waitFor({ state: 'attached' })
    for (let tabs = 0; tabs < 400; tabs += 1) {
      if (await wanted.evaluate((e) => document.activeElement === e)) {
        if (key) await this.page.keyboard.press(key)
        return
      }
      await this.page.keyboard.press('Tab')
    }
    throw new Error(`the keyboard does not reach ${selector}`)
  }
  // choose sets a group of radio buttons: one stop of the Tab key, and the arrows choose within it.
  async choose(name, value) {
    const within = (n) => document.activeElement?.matches(`input[type=radio][name="${n}"]`)
    for (let tabs = 0; !(await this.page.evaluate(within, name)); tabs += 1) {
      if (tabs > 400) throw new Error(`the keyboard does not reach ${name}`)
      await this.page.keyboard.press('Tab')
    }
    await this.page.keyboard.press('Space')
    const wanted = this.page.locator(`input[type=radio][name="${name}"][value="${value}"]`)
    for (let downs = 0; !(await wanted.isChecked()); downs += 1) {
      if (downs > 40) throw new Error(`${value} is not to be chosen`)
      await this.page.keyboard.press('ArrowDown')
    }
  }
  async write(selector, text) {
    await this.press(selector, '')
    await this.page.keyboard.press('Control+A')
    await this.page.keyboard.insertText(text)
  }
  async leads(action) {
    await Promise.all([this.page.waitForNavigation(), action()])
  }
  // enrol is the first visit of somebody who was given a code and told nothing else: from the start
  // page by what the pages themselves offer, as far as being signed in.
  async enrol(ticket, keys) {
    await this.go('/')
    expect('a stranger is sent to sign in', new URL(this.page.url()).pathname === '/sign-in')
    await this.judge('sign-in')
    await this.follow('/enrol')
    await this.judge('enrol')
    await this.write('#ticket', ticket)
    await this.leads(() => this.press('main button'))
    for (let i = 0; i < keys; i += 1) {
      await this.judge('register')
      await this.key()
      await this.leads(() => this.press('main form button'))
      await this.judge(i + 1 < keys ? 'registered' : 'registered-all')
      if (i + 1 < keys) await this.leads(() => this.press('main form button'))
    }
    // The first key is the one in use.
    for (const [i, authenticatorId] of this.keys.entries())
      await this.cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled: i === 0 })
    await this.follow('/sign-in')
    await this.leads(() => this.press('main form button'))
    await this.judge('first-start')
    expect('the first task is offered', (await this.page.locator('main a[href="/ask"], main a[href="/me"], main a[href="/approvals"]').count()) > 0)
  }
  async signIn() {
    await this.go('/sign-in')
    await this.judge('sign-in')
    await this.leads(() => this.press('main form button'))
    await this.judge('start')
  }
  // follow takes a link of the page by the keyboard.
  follow(path) { return this.leads(() => this.press(`main a[href^="${path}"]`)) }
  async sign(name) {
    await this.judge(`${name}-check`)
    await this.leads(() => this.press('main form[data-sign] button'))
  }
}

async function ask(person, name, citizen, purpose, field, ref = '') {
  await person.follow('/ask')
  await person.judge('ask')
  // A mistake first: it is told, and what was typed is there still (3.3.7 redundant entry).
  await person.write('#citizen', citizen.slice(0, 12))
  await person.leads(() => person.press('main form button'))
  await person.judge('ask-mistake')
  expect('what was typed is kept', (await person.page.locator('#citizen').inputValue()) === citizen.slice(0, 12))
  await person.write('#citizen', citizen)
  if (ref) await person.write('#case', ref)
  await person.choose('purpose', purpose)
  await person.press(`input[type=checkbox][value="${purpose} ${field}"]`, 'Space')
  await person.leads(() => person.press('main form button'))
  await person.sign(`${name}-question`)
}

async function officerTask(person, language, width) {
  await person.see(language, width)
  await person.signIn()
  await ask(person, 'officer', world.citizen, 'crime-investigation', 'identity.persons.present_address', world.case)
  await person.judge('answer')
  expect('an answer', (await person.page.locator('[data-blank-after]').count()) === 1, await person.page.locator('main').innerText())
  // Back does not bring an answer again: it is out of the document and out of the cache.
  await person.go('/')
  await person.page.goBack().catch(() => {})
  await person.page.waitForTimeout(500)
  expect('no answer by Back', (await person.page.locator('[data-blank-after] table').count()) === 0)
  await person.go('/').catch(() => person.go('/'))
  await ask(person, 'waiting', world.citizens[round], 'asset-tracing', 'identity.persons.name')
  await person.judge('refused')
  await person.follow('/approvals')
  await person.judge('requests-own')
  for (const path of ['/devices', '/record', '/who?field=telecom.calls.*', '/policy']) {
    await person.go(path)
    await person.judge(path.split('?')[0].slice(1))
  }
  // Two tabs: the other one's question does not disturb this one's.
  const other = await person.context.newPage()
  await other.goto(`${world.origin}/ask`)
  expect('a second tab works', (await other.locator('#citizen').count()) === 1)
  await other.close()
}

async function supervisorTask(person, language, width) {
  await person.see(language, width)
  await person.signIn()
  await person.follow('/approvals')
  await person.judge('requests')
  await person.follow('/approvals/')
  await person.judge('request')
  const number = world.citizens[round].replace(/^(.{5})(.{7})/, '$1-$2-') // as people read it
  const shows = async () => [world.citizens[round], number].some((n) => content.includes(n))
  let content = await person.page.content()
  expect('the number is hidden', !(await shows()))
  await person.leads(() => person.press('form[action$="/whole"] button'))
  await person.sign('whole')
  await person.judge('request-whole')
  content = await person.page.content()
  expect('the number is shown', await shows())
  await person.choose('decision', 'approve')
  await person.write('#reason', 'seen')
  await person.leads(() => person.press('form:has(#reason) button'))
  await person.sign('approve')
  await person.judge('approved')
  for (const path of ['/alerts', '/team', '/operations']) {
    await person.go(path)
    await person.judge(path.slice(1))
  }
}

async function auditorTask(person, language, width) {
  await person.see(language, width)
  await person.signIn()
  await person.follow('/entries')
  await person.judge('entries')
  await person.write('#account', world.officer)
  await person.leads(() => person.press('main form button'))
  await person.judge('entries-found')
  await person.follow('/entries/')
  await person.judge('entry')
  await person.go('/trails')
  await person.judge('trails')
  await person.write('#name', world.officer)
  await person.write('#reason', 'complaint 7')
  await person.leads(() => person.press('main form button'))
  await person.sign('trail')
  await person.judge('trail')
  // A leaked file: handed in, read, and cancelled by signature.
  await person.go('/traces')
  await person.judge('traces')
  await person.write('#brought-by', language === 'ur' ? 'ایک صحافی' : 'a journalist')
  await person.page.setInputFiles('#file', { name: 'group.csv', mimeType: 'text/csv', buffer: Buffer.from('naam,jins\r\nX,M\r\n') })
  await person.leads(() => person.press('form[enctype] button'))
  const place = new URL(person.page.url()).pathname
  for (let i = 0; i < 60 && (await person.page.locator('#reason').count()) === 0; i += 1) {
    await person.page.waitForTimeout(500)
    await person.go(place)
  }
  await person.judge('trace-waiting')
  await person.leads(() => person.press('form[action$="/cancel"] button'))
  await person.sign('trace-cancel')
  await person.judge('trace-cancelled')
  await person.go('/reports')
  await person.judge('reports')
  await person.leads(() => person.press('main form button'))
  for (let i = 0; i < 60 && (await person.page.locator('#from').count()) === 0; i += 1) {
    await person.page.waitForTimeout(500)
    await person.go('/reports')
  }
  await person.judge('reports-made')
  for (const path of ['/state', '/reviews', '/complaints', '/ledger', '/api', '/operations']) {
    await person.go(path)
    await person.judge(path.slice(1))
  }
}

async function citizenTask(person, language, width) {
  await person.see(language, width)
  await person.signIn()
  await person.follow('/me')
  for (let i = 0; i < 40 && (await person.page.locator('a[href^="/me/look/"]').count()) === 0; i += 1) {
    await person.page.waitForTimeout(500)
    await person.go('/me')
  }
  await person.judge('me')
  await person.follow('/me/look/')
  await person.judge('look')
  await person.follow('/me/complain/')
  await person.judge('complain')
  await person.write('#text', language === 'ur' ? 'یہ درست نہیں' : 'I do not know this office')
  await person.leads(() => person.press('main form button[type=submit], main form:has(#text) button'))
  await person.judge('complaints')
  await person.go('/me/leaks').catch(() => {})
  await person.judge('leaks')
}

// Everything but the passkey works without script.
async function withoutScript(person, paths) {
  const context = await browser.newContext({ javaScriptEnabled: false })
  await context.addCookies(await person.context.cookies())
  const page = await context.newPage()
  for (const path of paths) {
    const reply = await page.goto(world.origin + path)
    expect(`${path} without script`, reply.status() === 200 && (await page.locator('main h1').count()) === 1)
  }
  await context.close()
}

// The judge must see what it is for: a page with one fault of each kind is found wrong in each.
async function faultsAreFound() {
  const context = await browser.newContext({ viewport: { width: 320, height: 640 } })
  const page = await context.newPage()
  await page.setContent(`<!doctype html><html lang="en" dir="ltr"><head><title>x</title><style>
    .wide { inline-size: 600px } .bar { position: fixed; inset: 0 0 auto 0; block-size: 160px; background: #fff }
    .small { display: block; inline-size: 10px; block-size: 10px; padding: 0; border: 0 }
    .hidden-focus:focus { outline: none }</style></head><body>
    <div class="bar">sticky</div><main><h1>x</h1><a class="hidden-focus" href="/covered">covered</a>
    <button class="small">.</button><p class="wide">wide</p><img src="data:,">
    <input type="password" aria-label="a"><div draggable="true">drag</div></main></body></html>`)
  const before = wrong.length
  await judge(page, 'faults', 'en', 320)
  const found = wrong.splice(before).join('\n')
  for (const fault of ['no sideways scrolling', 'axe', 'small <button', 'covered <a', 'unseen focus', 'no password, nothing to drag'])
    expect(`the judge sees: ${fault}`, found.includes(fault), found)
  await context.close()
}

try {
  await faultsAreFound()
  const officer = await Person.make(), supervisor = await Person.make(), auditor = await Person.make()
  const citizen = await Person.make({ synced: true })
  for (const [person, ticket, keys] of [[officer, world.tickets.officer, 2], [supervisor, world.tickets.supervisor, 2],
    [auditor, world.tickets.auditor, 2], [citizen, world.tickets.citizen, 1]]) {
    await person.see('en', 1280)
    await person.enrol(ticket, keys)
  }
  for (const language of ['en', 'ur'])
    for (const width of [1280, 320]) {
      round += 1
      await officerTask(officer, language, width)
      await supervisorTask(supervisor, language, width)
      await auditorTask(auditor, language, width)
      await citizenTask(citizen, language, width)
    }
  await withoutScript(officer, ['/', '/ask', '/approvals', '/devices', '/who', '/ledger', '/sign-in', '/enrol'])
  await withoutScript(auditor, ['/entries', '/trails', '/complaints', '/reviews', '/state', '/alerts', '/traces', '/reports', '/operations'])
  await withoutScript(citizen, ['/me', '/me/complaints', '/me/leaks'])
  // The weight of what was served.
  const weights = {}
  for (const name of ['console.css', 'console.js']) {
    const address = await officer.page.evaluate((asset) =>
      [...document.querySelectorAll('link[rel=stylesheet], script[src]')]
        .map((e) => e.href || e.src).find((a) => a.endsWith(asset)), name)
    const reply = await officer.context.request.get(address, { ignoreHTTPSErrors: true })
    weights[name] = gzipSync(await reply.body(), { level: 9 }).length
  }
  expect('the script is small', weights['console.js'] <= 5 * 1024, String(weights['console.js']))
  expect('the stylesheet is small', weights['console.css'] <= 6 * 1024, String(weights['console.css']))
  say({ name: 'judged', pages, weights, heaviest })
  if (wrong.length > 0) throw new Error(`${wrong.length} things are wrong:\n${wrong.join('\n')}`)
  say({ name: 'done' })
} finally {
  await browser.close()
}
