// Decides questions with Cedar's own engine. Reads a file of JSON lines: {"policy": text} from here on
// counts for {"context": {...}, "fields": [[id, ordered, consented], ...]}. Prints one letter a
// decision: A allowed, D denied, E a rule failed.
import { readFileSync } from 'node:fs';
import cedar from '@cedar-policy/cedar-wasm/nodejs';

const principal = { type: 'Officer', id: 'asker' };
const action = { type: 'Action', id: 'see' };
let out = '';
for (const line of readFileSync(process.argv[2], 'utf8').split('\n')) {
  if (line === '') continue;
  const row = JSON.parse(line);
  if (row.policy !== undefined) {
    const parsed = cedar.preparsePolicySet('policy', { staticPolicies: row.policy });
    if (parsed.type !== 'success') {
      console.error(JSON.stringify(parsed));
      process.exit(2);
    }
    continue;
  }
  for (const [id, ordered, consented] of row.fields) {
    const answer = cedar.statefulIsAuthorized({
      principal, action, resource: { type: 'Field', id },
      context: { ...row.context, ordered, consented },
      preparsedPolicySetId: 'policy', entities: [],
    });
    if (answer.type !== 'success') {
      console.error(JSON.stringify(answer));
      process.exit(2);
    }
    out += answer.response.diagnostics.errors.length > 0 ? 'E'
      : answer.response.decision === 'allow' ? 'A' : 'D';
  }
}
process.stdout.write(out);
