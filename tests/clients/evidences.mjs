// Checks many evidence bundles with the second, JavaScript checker: one case a line on standard
// input, JSON of { tar, policy, auditor }; one verdict a line: the step that does not hold, or the
// accounts named with their thousandths of a bit.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { Fault, fromTar, verifyEvidence } from '../../web/verify/evidence.mjs'
import { parseKey, parsePolicy } from '../../web/verify/note.mjs'

for await (const line of createInterface({ input: process.stdin })) {
  const { tar, policy, auditor } = JSON.parse(line)
  const heldTo = { policy: parsePolicy(new TextEncoder().encode(policy)), auditor: parseKey(auditor) }
  let verdict
  try {
    verdict = verifyEvidence(fromTar(new Uint8Array(readFileSync(tar))), heldTo)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    verdict = { holds: false, step: error.step }
  }
  console.log(verdict.holds ? `holds ${verdict.named.map((n) => `${n.account}:${n.bits}`).join(' ')}` : verdict.step)
}
