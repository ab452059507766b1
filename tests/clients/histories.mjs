// Checks many histories with the citizen's JavaScript verifier: one case a line on standard input,
// JSON of { file, policy, subject, at, before?, flips? }; one verdict a line: its fault, or "none".
// `flips` are [place, mask] pairs: of each a verdict of its own, joined by spaces.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { parsePolicy, parseRemembered, verifyHistory } from '../../web/verify/verify.mjs'

for await (const line of createInterface({ input: process.stdin })) {
  const { file, policy, subject, at, before, flips } = JSON.parse(line)
  const bytes = readFileSync(file)
  const heldTo = {
    policy: parsePolicy(new TextEncoder().encode(policy)),
    subject,
    now: BigInt(at),
    before: before ? parseRemembered(new TextEncoder().encode(before)) : null,
  }
  const fault = () => verifyHistory(bytes, heldTo).fault ?? 'none'
  if (!flips) {
    console.log(fault())
    continue
  }
  const faults = []
  for (const [place, mask] of flips) {
    bytes[place] ^= mask
    faults.push(fault())
    bytes[place] ^= mask
  }
  console.log(faults.join(' '))
}
