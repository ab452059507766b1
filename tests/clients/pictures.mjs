// Pictures of every page of the console, compared with the golden ones in tests/pictures, or made
// anew. Pages come from a folder of HTML made from fixed values, so that nothing but their look can
// differ; the Latin font is DejaVu Sans (fonts-dejavu-core), the Urdu one the console's own.
//
// A picture is judged by what a person sees from some steps away: both are shrunk to cells of 8 by 8
// pixels of grey, each cell may lie in the row above or below, and the share of cells that differ is
// bounded. A letter that another version of a browser draws half a pixel wider changes nothing; a
// cut word, an overlap or a block at another place does.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import { chromium } from 'playwright-core'

const world = JSON.parse(readFileSync(process.argv[2], 'utf8'))
const say = (what) => console.log(JSON.stringify(what))
const kOrigin = 'https://console.test'
const kWidths = [1280, 320]
const kStored = { 1280: 640, 320: 320 } // width a golden picture is kept at
const kShareMax = 0.0075 // of the cells
const kHeightMax = 0.03

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--font-render-hinting=none',
    '--disable-lcd-text', '--force-color-profile=srgb', '--lang=en'],
})
const types = { css: 'text/css', js: 'text/javascript', woff2: 'font/woff2', html: 'text/html; charset=utf-8' }
// The same letters on every machine: never the system's own choice of a font.
const fixed = `
:root, :lang(en) { font-family: "DejaVu Sans" !important; }
html:lang(ur), html:lang(en) a:lang(ur) { font-family: Nastaliq, "DejaVu Sans" !important; }
pre, code { font-family: "DejaVu Sans Mono" !important; }`

async function serve(context) {
  await context.route('**/*', (route) => {
    const name = new URL(route.request().url()).pathname.split('/').pop()
    const file = `${world.folder}/${name}`
    if (!existsSync(file)) return route.fulfill({ status: 404, body: '' })
    let body = readFileSync(file)
    if (name === 'console.css') body = Buffer.concat([body, Buffer.from(fixed)])
    return route.fulfill({ status: 200, contentType: types[name.split('.').pop()], body })
  })
}

// In a page of its own: shrinks two pictures to cells and counts those that differ.
const judge = async ({ a, b, width }) => {
  const drawn = async (text) => {
    const image = await createImageBitmap(await (await fetch(text)).blob())
    const cells = { wide: Math.ceil(width / 8), high: Math.ceil((image.height * width) / image.width / 8) }
    const canvas = new OffscreenCanvas(cells.wide, cells.high)
    const context = canvas.getContext('2d')
    context.imageSmoothingQuality = 'high'
    context.drawImage(image, 0, 0, cells.wide, cells.high)
    const pixels = context.getImageData(0, 0, cells.wide, cells.high).data
    const grey = new Float32Array(cells.wide * cells.high)
    for (let i = 0; i < grey.length; i += 1)
      grey[i] = 0.3 * pixels[4 * i] + 0.59 * pixels[4 * i + 1] + 0.11 * pixels[4 * i + 2]
    return { ...cells, grey }
  }
  const one = await drawn(a), other = await drawn(b)
  const high = Math.min(one.high, other.high)
  let differ = 0
  const at = (p, x, y) => p.grey[Math.min(Math.max(y, 0), p.high - 1) * p.wide + Math.min(Math.max(x, 0), p.wide - 1)]
  for (let y = 0; y < high; y += 1)
    for (let x = 0; x < one.wide; x += 1) {
      let least = 255
      for (const dy of [-1, 0, 1])
        for (const dx of [-1, 0, 1]) least = Math.min(least, Math.abs(at(one, x, y) - at(other, x + dx, y + dy)))
      if (least > 24) differ += 1
    }
  return { share: differ / (high * one.wide), height: Math.abs(one.high - other.high) / Math.max(one.high, 1), cells: high }
}
// Encodes a PNG as WebP at the width it is kept at.
const kept = async ({ png, width }) => {
  const image = await createImageBitmap(await (await fetch(png)).blob())
  const canvas = new OffscreenCanvas(width, Math.round((image.height * width) / image.width))
  const context = canvas.getContext('2d')
  context.imageSmoothingQuality = 'high'
  context.drawImage(image, 0, 0, canvas.width, canvas.height)
  const blob = await canvas.convertToBlob({ type: 'image/webp', quality: 0.5 })
  const bytes = new Uint8Array(await blob.arrayBuffer())
  let text = ''
  for (const b of bytes) text += String.fromCharCode(b)
  return btoa(text)
}
const data = (bytes, type) => `data:${type};base64,${Buffer.from(bytes).toString('base64')}`

const wrong = []
// In the page: words of English that nothing marks as such. What stands in <bdi> is somebody's own
// (a name, an office, a value as it was released); what is said in English alone is marked so.
const unsaid = () => {
  const out = []
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    if (node.parentElement.closest('bdi, pre, code, textarea, [lang=en]')) continue
    if (/[A-Za-z]{3,} +[A-Za-z]{2,} +[A-Za-z]{2,}/.test(node.textContent)) out.push(node.textContent.trim())
  }
  return out
}
// What is served, compressed: goals of the console.
const zipped = (name) => gzipSync(readFileSync(`${world.folder}/${name}`), { level: 9 }).length
const kPageMost = 15 * 1024
try {
  const desk = await (await browser.newContext()).newPage()
  await desk.goto('about:blank')
  const names = readdirSync(world.folder).filter((n) => n.endsWith('.html')).map((n) => n.slice(0, -5)).sort()
  if (world.renew) {
    rmSync(world.golden, { recursive: true, force: true })
    mkdirSync(world.golden, { recursive: true })
  }
  if (world.full) mkdirSync(world.full, { recursive: true })
  const heaviest = names.map((name) => ({ name, bytes: zipped(`${name}.html`) })).sort((a, b) => b.bytes - a.bytes)[0]
  if (heaviest.bytes > kPageMost) wrong.push(`${heaviest.name} weighs ${heaviest.bytes} bytes compressed`)
  const script = zipped('console.js'), stylesheet = zipped('console.css')
  if (script > 5 * 1024) wrong.push(`the script weighs ${script} bytes compressed`)
  if (stylesheet > 6 * 1024) wrong.push(`the stylesheet weighs ${stylesheet} bytes compressed`)
  say({ name: 'weights', heaviest, script, stylesheet })
  let compared = 0
  let farthest = { share: 0 }
  let other = null // a golden picture of another page, which must be told apart
  for (const width of kWidths) {
    const context = await browser.newContext({ viewport: { width, height: 800 }, reducedMotion: 'reduce', colorScheme: 'light' })
    await serve(context)
    const page = await context.newPage()
    for (const [i, name] of names.entries()) {
      // A short run takes each page in one of its widths.
      if (!world.renew && !world.all && i % 2 !== kWidths.indexOf(width)) continue
      await page.goto(`${kOrigin}/${name}.html`)
      await page.evaluate(() => document.fonts.ready)
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      if (name.endsWith('-ur')) {
        const foreign = await page.evaluate(unsaid)
        if (foreign.length > 0) wrong.push(`${name} ${width}: English on an Urdu page: ${foreign.join(' | ')}`)
      }
      const torn = await page.evaluate(() => [...document.querySelectorAll('.id')].filter((e) => e.getClientRects().length > 1).map((e) => e.textContent))
      if (torn.length > 0) wrong.push(`${name} ${width}: torn in two: ${torn.join(', ')}`)
      if (wide > 0) wrong.push(`${name} ${width}: ${wide} px too wide`)
      const png = await page.screenshot({ fullPage: true })
      if (world.full) writeFileSync(`${world.full}/${name}-${width}.png`, png)
      const file = `${world.golden}/${name}-${width}.webp`
      if (world.renew) {
        writeFileSync(file, Buffer.from(await desk.evaluate(kept, { png: data(png, 'image/png'), width: kStored[width] }), 'base64'))
        continue
      }
      if (!existsSync(file)) {
        wrong.push(`${name} ${width}: there is no golden picture; make pictures`)
        continue
      }
      const golden = data(readFileSync(file), 'image/webp')
      const seen = await desk.evaluate(judge, { a: golden, b: data(png, 'image/png'), width: kStored[width] })
      compared += 1
      if (seen.share > farthest.share) farthest = { name, width, ...seen }
      if (seen.share > kShareMax || seen.height > kHeightMax)
        wrong.push(`${name} ${width}: looks otherwise (${(seen.share * 100).toFixed(1)} % of the cells, height ${(seen.height * 100).toFixed(1)} %)`)
      if (other) {
        const apart = await desk.evaluate(judge, { a: other, b: data(png, 'image/png'), width: kStored[width] })
        if (apart.share <= kShareMax && apart.height <= kHeightMax) say({ alike: name, width, ...apart })
        else say({ apart: true })
      }
      other = golden
    }
    other = null
    await context.close()
  }
  say({ name: 'compared', compared, farthest })
  if (wrong.length > 0) throw new Error(`${wrong.length} pictures are wrong:\n${wrong.join('\n')}`)
  say({ name: 'done' })
} finally {
  await browser.close()
}
