// A real browser with virtual authenticators: unmodified @simplewebauthn/browser in Chromium registers
// two passkeys, signs in, signs a question and reads its answer; a passkey that may be synced is
// refused. The page is the test's own, served at the exchange's origin by the browser's driver.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const library = readFileSync(
  fileURLToPath(new URL('./node_modules/@simplewebauthn/browser/dist/bundle/index.umd.min.js', import.meta.url)),
  'utf8',
)
const say = (what) => console.log(JSON.stringify(what))
const expect = (name, got, wanted) => {
  say({ name, got })
  if (got !== wanted) throw new Error(`${name}: ${JSON.stringify(got)}, wanted ${JSON.stringify(wanted)}`)
}

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: [
    '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync',
    // The exchange's own certificate, by its key: any other is still an error.
    `--ignore-certificate-errors-spki-list=${world.spki}`,
  ],
})
try {
  const context = await browser.newContext()
  const page = await context.newPage()
  await page.route(`${world.origin}/test-page`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>Test</title>' }))
  await page.goto(`${world.origin}/test-page`)
  await page.addScriptTag({ content: library })
  const cdp = await context.newCDPSession(page)
  await cdp.send('WebAuthn.enable')
  const add = async (more = {}) =>
    (await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2', ctap2Version: 'ctap2_1', transport: 'usb', hasResidentKey: true,
        hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true, ...more,
      },
    })).authenticatorId
  const present = (authenticatorId, enabled) =>
    cdp.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })

  await page.evaluate(() => {
    window.post = async (path, body) => {
      const reply = await fetch(path, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
      })
      const json = await reply.json()
      return { status: reply.status, json, reason: json.reason ?? 'accepted' }
    }
    window.register = async (ticket) => {
      const begun = await post('/v1/passkeys/begin', { ticket })
      if (begun.status !== 200) return begun
      const credential = await SimpleWebAuthnBrowser.startRegistration({ optionsJSON: begun.json.publicKey })
      return post('/v1/passkeys/finish', { ticket, credential })
    }
    window.signIn = async () => {
      const begun = await post('/v1/session/begin', {})
      const assertion = await SimpleWebAuthnBrowser.startAuthentication({ optionsJSON: begun.json.publicKey })
      return post('/v1/session/finish', { nonce: begun.json.nonce, assertion })
    }
    window.ask = async (question) => {
      const put = await post('/v1/questions', question)
      if (put.status !== 200) return put
      const assertion = await SimpleWebAuthnBrowser.startAuthentication({ optionsJSON: put.json.publicKey })
      const body = { ask: put.json.ask, assertion }
      return { ...(await post('/v1/lookups', body)), body, put: put.json }
    }
  })

  const synced = await add({ defaultBackupEligibility: true, defaultBackupState: true })
  expect('a passkey that may be synced', (await page.evaluate((t) => register(t), world.ticket)).reason,
         'synced-passkey')
  await cdp.send('WebAuthn.removeVirtualAuthenticator', { authenticatorId: synced })

  const first = await add()
  const one = await page.evaluate((t) => register(t), world.ticket)
  expect('the first passkey', one.reason, 'accepted')
  expect('is of the listed make', one.json.authenticator, world.says)
  expect('one key alone', (await page.evaluate(() => signIn())).reason, 'second-key-missing')
  await present(first, false)
  const second = await add()
  expect('the second passkey', (await page.evaluate((t) => register(t), world.ticket)).reason, 'accepted')
  await present(second, false)
  await present(first, true)

  const entered = await page.evaluate(() => signIn())
  expect('sign-in', entered.reason, 'accepted')
  expect('as', entered.json.account, world.account)
  expect('script sees no cookie', await page.evaluate(() => document.cookie), '')
  const cookie = (await context.cookies(world.origin)).find((c) => c.name === '__Host-amanat')
  expect('the cookie', [cookie.secure, cookie.httpOnly, cookie.sameSite, cookie.path].join(), 'true,true,Strict,/')

  const asked = await page.evaluate((q) => ask(q), world.question)
  expect('a signed question', asked.reason, 'accepted')
  expect('about', asked.json.answers[0].citizen, world.question.subject.national_id)
  expect('sentences name the citizen',
         asked.put.sentences.some((s) => s.replaceAll('-', '').includes(world.question.subject.national_id)), true)
  expect('the same once more', (await page.evaluate((b) => post('/v1/lookups', b), asked.body)).reason,
         'pending-unknown')
  expect('with the cookie alone', (await page.evaluate((q) => post('/v1/lookups', q), world.question)).reason,
         'touch-missing')
  // Five minutes have not passed, so this question wants a touch only; one about calls wants the
  // person too, who is not there now.
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId: first, isUserVerified: false })
  expect('a touch without verification', (await page.evaluate((q) => ask(q), world.question)).reason, 'accepted')
  const calls = await page.evaluate((q) => ask(q).catch((e) => ({ reason: e.name })),
                                    { ...world.question, fields: ['telecom.calls.*'] })
  expect('call records without verification', calls.reason, 'NotAllowedError')
  await cdp.send('WebAuthn.setUserVerified', { authenticatorId: first, isUserVerified: true })
  say({ name: 'done' })
} finally {
  await browser.close()
}
